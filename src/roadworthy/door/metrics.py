"""What the machine's operator counts and times. Labels are never what came in, but words of our own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

__all__ = ["Metrics"]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The counters of one process. With several, each answers for itself."""

    media_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._of_requests: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._requests = Counter(
            "roadworthy_requests", "Requests answered", ["method", "route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "roadworthy_request_seconds",
            "Time from a request's first byte to its answer's last",
            ["method", "route"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._answers = Counter(
            "roadworthy_decisions", "Applications decided", ["answer", "release"], registry=self._registry
        )
        self._repeats = Counter(
            "roadworthy_decisions_repeated", "Decisions given again for the same key", registry=self._registry
        )
        self._refusals = Counter(
            "roadworthy_refusals", "Requests refused, by type of problem", ["problem"], registry=self._registry
        )
        self._epoch = Gauge(
            "roadworthy_route_epoch", "The route's epoch, as this process knows it", registry=self._registry
        )
        self._stopped = Gauge("roadworthy_stopped", "1 while every application goes to people", registry=self._registry)

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        known = self._of_requests.get((method, route, status))
        if known is None:  # looking labels up costs more than counting
            known = (self._requests.labels(method, route, str(status)), self._seconds.labels(method, route))
            self._of_requests[method, route, status] = known
        known[0].inc()
        known[1].observe(seconds)

    def count_answer(self, answer: str, release: str) -> None:
        """One application was decided."""
        self._answers.labels(answer, release).inc()

    def count_repeat(self) -> None:
        """One decision was given again."""
        self._repeats.inc()

    def count_refusal(self, problem: str) -> None:
        """One request was refused; `problem` is the type of the problem."""
        self._refusals.labels(problem.rpartition("/")[2]).inc()

    def write(self, epoch: int, *, stopped: bool) -> bytes:
        """Everything counted, as Prometheus reads it, with what is live now."""
        self._epoch.set(epoch)
        self._stopped.set(stopped)
        return generate_latest(self._registry)

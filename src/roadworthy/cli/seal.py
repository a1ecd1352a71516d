"""`roadworthy seal`: a trained model of one's own, sealed."""

from __future__ import annotations

from pathlib import Path

from roadworthy.cli.speaking import Json, say, show_json
from roadworthy.errors import UsageError
from roadworthy.settings import read_settings

NAME = "seal"


def command(
    model: str,
    /,
    *,
    data: Path,
    target: str,
    out: Path | None = None,
    name: str | None = None,
    weight: str | None = None,
    cut_offs: str = "",
    bad_class: str | None = None,
    contract: Path | None = None,
    reasons: str = "reference",
    trust: str = "",
    json: Json = False,
) -> int:
    """Seal MODEL: `module:object`, or a file written without pickle.

    Such files are .skops, LightGBM's .txt, XGBoost's .json or .ubj, CatBoost's .cbm or .json, and .onnx.

    The package is checked against the model on DATA and on made-up hard rows before it is written.

    Example: roadworthy seal credit.model:pipeline --data held_out.csv --target default

    Parameters
    ----------
    model
        module:object, or a model file.
    data
        Rows the model was not trained on, with the outcome.
    target
        The column of DATA with the outcome, 1 where bad.
    out
        The file to write; NAME.rw by default.
    name
        The model's name.
    weight
        The column of DATA with sampling weights.
    cut_offs
        PDs at which an answer changes, with commas between: none may change by sealing.
    bad_class
        Which of the model's classes is the bad one, where that is not plain.
    contract
        A contract.yaml; inferred from DATA by default.
    reasons
        How contributions are computed: `reference`, or `path` as TreeSHAP does, for one ensemble of trees.
    trust
        Types of your own that the model may hold, as module.name with commas between. Whoever loads it lists them too.
    json
        Print one JSON document.

    """
    from roadworthy.pipeline import seal_file

    try:
        points = [float(value) for value in cut_offs.split(",") if value.strip()]
    except ValueError:
        raise UsageError(f"{cut_offs!r} is no list of PDs", where="--cut-offs", mend="--cut-offs 0.05,0.12") from None
    package, path = seal_file(
        model,
        data,
        target=target,
        out=out,
        name=name,
        weight=weight,
        cut_offs=points,
        bad_class=bad_class,
        contract=contract,
        reasons=reasons,
        trusted_types=[*read_settings(Path()).trusted, *(name.strip() for name in trust.split(",") if name.strip())],
    )
    engine = package.manifest.engine
    if json:
        show_json({"file": str(path), "digest": package.digest, "engine": engine, "evaluation": package.evaluation})
        return 0
    say(f"{engine.kind}: {engine.why}")
    for note in package.manifest.notes:
        say(f"- {note}")
    if not points:
        say(
            "- no cut-off was given, so none was shown to keep its answers, and the policy's are its own: "
            "--cut-offs 0.05,0.12, those of policy.yaml"
        )
    say(f"wrote {path}, SHA-256 {package.digest}")
    return 0

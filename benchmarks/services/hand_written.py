"""What a team writes by hand in an afternoon: FastAPI, a DataFrame of one row, predict_proba. Records nothing."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import Any

import pandas as pd
from fastapi import FastAPI
from loan_model import NUMBERS, WORDS, fit_model
from pydantic import BaseModel, create_model

_FIELDS: dict[str, Any] = {**dict.fromkeys(NUMBERS, (float | None, None)), **dict.fromkeys(WORDS, (str, ...))}
Inputs = create_model("Inputs", **_FIELDS)
_MODEL: list[Any] = []


class Application(BaseModel):
    """One application."""

    inputs: Inputs  # type: ignore[valid-type]  # made above


@asynccontextmanager
async def _load(_app: FastAPI) -> Any:
    _MODEL.append(fit_model())
    yield


app = FastAPI(lifespan=_load)


@app.post("/v1/decisions")
def decide(application: Application) -> dict[str, Any]:
    """The PD, and the answer by two cut-offs."""
    row = pd.DataFrame([application.inputs.model_dump()], columns=[*NUMBERS, *WORDS])  # type: ignore[attr-defined]
    probability = float(_MODEL[0].predict_proba(row.fillna({name: float("nan") for name in NUMBERS}))[0, 1])
    answer = "approve" if probability < 0.2 else "refer" if probability < 0.3 else "decline"
    return {"pd": probability, "answer": answer}


@app.get("/readyz")
def ready() -> dict[str, bool]:
    """It is, once this answers."""
    return {"ready": True}

"""What each column holds."""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["INPUTS", "describe"]

INPUTS = MappingProxyType(
    {
        "age": "age of the applicant in full years",
        "income": "net monthly income, EUR, as stated by the applicant",
        "employment_years": "years with the present employer or in the present business; 0 without work",
        "employment_type": "kind of employment",
        "housing": "housing situation",
        "region": "region the applicant lives in",
        "purpose": "what the loan is for",
        "channel": "way in which the application reached the bank",
        "merchant": "merchant through whom the application came; none for other channels",
        "amount": "amount applied for, EUR",
        "term_months": "term applied for, months",
        "bureau_score": "credit bureau score, 300 to 850, higher is better; none for people without a credit history",
        "utilisation": "share of the revolving credit limits in use, 1 at the limit; none for people without a card",
        "delinquencies_24m": "payments reported late to the bureau in the last 24 months",
        "inquiries_6m": "credit inquiries at the bureau in the last 6 months",
        "months_since_last_delinquency": "months since the last late payment on file; none if none is on file",
        "existing_loans": "instalment loans running elsewhere",
        "debt_to_income": "monthly instalments, this loan included at a test rate of 8%, over net monthly income",
        "savings": "savings, EUR, by band; none if not disclosed",
    }
)
"""The columns a model may read: all known when the application comes in."""

_AROUND = {
    "application_id": "number of the application",
    "applicant_id": "number of the applicant; the same for whoever has applied before",
    "applied_at": "when the application came in, UTC",
    "branch": "branch the application belongs to",
    "officer": "officer at whose desk the application was handled",
    "rate": "price quoted by the bank's old grades, fraction per year; quoted to declined applicants too",
    "funding_rate": "what money of the day cost the bank, fraction per year",
    "servicing_per_month": "what running the loan costs the bank, EUR per month",
    "answer": "the bank's answer under its old policy: approve or decline",
    "booked_at": "date on which the loan was paid out; none if declined or not taken up",
    "booked_date": "date on which the loan was paid out, as known on the day of the view",
    "outcome_date": "date of the default, where `default` is 1",
    "default": "1 if 90 days past due within the horizon of booking, else 0; none without a loan or before its time",
    "scheduled_interest": "interest due within the horizon by the repayment plan, EUR",
    "scheduled_funding": "cost of the money lent over the horizon by the repayment plan, EUR",
    "scheduled_servicing": "cost of running the loan over the horizon, EUR",
    "scheduled_exposure": "what is owed at a default midway through the horizon by the repayment plan, EUR",
}


def describe() -> dict[str, str]:
    """Column name -> description, for every column of the applications and of `past_applications`.

    >>> describe()["bureau_score"]
    'credit bureau score, 300 to 850, higher is better; none for people without a credit history'
    """
    return {**_AROUND, **INPUTS}

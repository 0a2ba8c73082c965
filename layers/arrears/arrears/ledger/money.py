"""Money: whole minor units of an ISO 4217 currency, never binary floating point, never converted.

A currency's exponent is the number of decimals of its minor unit (ISO 4217 list one): USD 2, JPY 0, CLF 4.
Codes withdrawn from the standard stay here as long as books still hold them.
"""

from decimal import Decimal, InvalidOperation

_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_TWO_DECIMALS = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF "
    "CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK "
    "HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRO MRU MUR "
    "MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD "
    "SHP SLE SLL SOS SRD SSP STD STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD "
    "XCD XCG YER ZAR ZMW ZWG ZWL"
)
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DECIMALS = "CLF UYW"

EXPONENTS: dict[str, int] = {
    code: exponent
    for exponent, codes in ((0, _NO_DECIMALS), (2, _TWO_DECIMALS), (3, _THREE_DECIMALS), (4, _FOUR_DECIMALS))
    for code in codes.split()
}
"""Decimals of each currency's minor unit, by ISO 4217 code."""

_SCALES: dict[str, int] = {code: int(10**exponent) for code, exponent in EXPONENTS.items()}
_LARGEST_EXACT = 10**15
MAX_WHOLE_DIGITS = 24
MAX_DIGITS = 28
"""Digits an amount may have before its decimal point, and in all: far above any book, and exact in storage."""


def read_amount(value: object) -> Decimal:
    """The exact decimal that a caller wrote, as a JSON number or a decimal string, in major units.

    Raises ValueError with a sentence for the caller when it is no finite plain number or too large.
    """
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise ValueError("must be an amount in major units, a number or a decimal string such as 1250.00")
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise ValueError(
            "is not an amount; write major units such as 1250.00, without separators or a symbol"
        ) from None
    if not amount.is_finite():
        raise ValueError("is not a finite amount")
    if isinstance(value, str) and (value != value.strip() or "_" in value or not value.isascii()):
        raise ValueError("is not an amount; write major units such as 1250.00, without separators or a symbol")
    if not amount:
        return Decimal(0)
    _, digits, exponent = amount.as_tuple()
    decimals = -int(exponent)
    if amount.adjusted() >= MAX_WHOLE_DIGITS or max(len(digits), decimals) > MAX_DIGITS:
        raise ValueError(f"has more than {MAX_WHOLE_DIGITS} digits before the point, or {MAX_DIGITS} in all")
    return amount


def to_minor(amount: Decimal, currency: str) -> int | None:
    """`amount` (major units) in minor units of `currency`; None when it has more decimals than the currency."""
    scaled = amount.scaleb(EXPONENTS[currency])
    whole = int(scaled)
    return whole if whole == scaled else None


def major_text(minor: int, currency: str) -> str:
    """Minor units as major units with all the currency's decimals: 123400 USD is "1234.00"."""
    exponent = EXPONENTS[currency]
    if not exponent:
        return str(minor)
    sign = "-" if minor < 0 else ""
    digits = str(abs(minor)).rjust(exponent + 1, "0")
    return f"{sign}{digits[:-exponent]}.{digits[-exponent:]}"


def major_number(minor: int, currency: str) -> int | float | str:
    """Minor units as a JSON value in major units: an exact number, or text where a number would lose digits.

    Up to 15 significant digits the shortest form of a double is the decimal itself (IEEE 754, DBL_DIG), so the
    division below prints exactly; beyond that the answer is the decimal as text.
    """
    if not -_LARGEST_EXACT < minor < _LARGEST_EXACT:
        return major_text(minor, currency)
    scale = _SCALES[currency]
    return minor / scale if minor % scale else minor // scale

"""How numbers are printed on the pages."""

NOTHING = "–"


def fraction(value):
    """A recall, to three decimals.

    >>> fraction(0.65), fraction(None)
    ('0.650', '–')
    """
    return NOTHING if value is None else f"{value:.3f}"


def points(value):
    """A difference in percentage points, with its sign.

    >>> points(11.53), points(-0.04), points(-2.5), points(None)
    ('+11.5', '0.0', '−2.5', '–')
    """
    if value is None:
        return NOTHING
    text = f"{value:+z.1f}"
    return "0.0" if text == "+0.0" else text.replace("-", "−")


def span(low, high, form):
    """Both ends of an interval in the form of its value; nothing if there is none.

    >>> span(-1.25, 3.5, points), span(None, None, points)
    ('−1.2 to +3.5', '')
    """
    return "" if low is None or high is None else f"{form(low)} to {form(high)}"


def p_value(value):
    """A p-value; no smaller than three decimals can say.

    >>> p_value(0.0312), p_value(0.0004), p_value(None)
    ('0.031', '< 0.001', '–')
    """
    if value is None:
        return NOTHING
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def count(value):
    """A whole number, with commas.

    >>> count(31452)
    '31,452'
    """
    return f"{value:,}"


def count_range(lowest, highest):
    """A count, or the range of counts where models differ in it.

    >>> count_range(5, 5), count_range(5, 1007)
    ('5', '5 to 1,007')
    """
    return count(lowest) if lowest == highest else f"{count(lowest)} to {count(highest)}"


def share(part, whole):
    """A part in percent; never 0 % or 100 % of what is neither nothing nor all.

    >>> share(93, 100), share(1, 1000), share(999, 1000), share(0, 0)
    ('93 %', '< 1 %', '> 99 %', '–')
    """
    if not whole:
        return NOTHING
    percent = 100 * part / whole
    if 0 < percent < 1:
        return "< 1 %"
    return "> 99 %" if 99 < percent < 100 else f"{percent:.0f} %"

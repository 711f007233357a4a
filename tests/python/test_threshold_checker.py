"""The Python module threshold_checker: the contract's rules, and clear errors for wrong input."""

import fractions
import math

import pytest

import threshold_checker
from threshold_checker import check_thresholds


def brief(alerts):
    return [(a.reading_id, a.breach_type, a.severity) for a in alerts]


def test_finds_breaches_on_both_sides_in_input_order():
    alerts = check_thresholds(readings=[(1, 50.0), (2, 105.0), (3, 5), (4, 100.0), (5, 10.0)], min_threshold=10.0, max_threshold=100.0)
    assert brief(alerts) == [(2, "above_maximum", "medium"), (3, "below_minimum", "critical")]
    assert alerts[0].value == 105.0
    assert alerts[0].threshold_value == 100.0
    assert alerts[1].value == 5.0 and isinstance(alerts[1].value, float)
    assert alerts[1].threshold_value == 10.0


@pytest.mark.parametrize(
    "value, limits, expected",
    [
        (100.01, {"max_threshold": 100}, "medium"),
        (110, {"max_threshold": 100}, "medium"),
        (110.1, {"max_threshold": 100}, "high"),
        (120, {"max_threshold": 100}, "high"),
        (120.1, {"max_threshold": 100}, "critical"),
        (89, {"min_threshold": 100}, "high"),
        (-105, {"min_threshold": -100}, "medium"),
        (-125, {"min_threshold": -100}, "critical"),
        (0.001, {"max_threshold": 0}, "critical"),
        (-4, {"min_threshold": 0, "max_threshold": 50}, "medium"),
        (-6, {"min_threshold": 0, "max_threshold": 50}, "high"),
        (-11, {"min_threshold": 0, "max_threshold": 50}, "critical"),
        (1, {"min_threshold": 0, "max_threshold": 0}, "critical"),
    ],
)
def test_severity_is_relative_to_the_size_of_the_limit(value, limits, expected):
    (alert,) = check_thresholds([(1, value)], **limits)
    assert alert.severity == expected


def test_one_limit_or_none_is_enough():
    readings = [(1, -1e9), (2, 1e9)]
    assert check_thresholds(readings) == []
    assert brief(check_thresholds(readings, 0)) == [(1, "below_minimum", "critical")]
    assert brief(check_thresholds(readings, max_threshold=0)) == [(2, "above_maximum", "critical")]
    assert check_thresholds([], 0, 1) == []


def test_an_alert_shows_itself_as_dict_and_text():
    (alert,) = check_thresholds([(7, 125.5)], max_threshold=100)
    assert alert.to_dict() == {
        "reading_id": 7,
        "value": 125.5,
        "breach_type": "above_maximum",
        "threshold_value": 100.0,
        "severity": "critical",
    }
    assert repr(alert) == "Alert(reading_id=7, value=125.5, breach_type='above_maximum', threshold_value=100.0, severity='critical')"
    with pytest.raises(AttributeError):
        alert.value = 1


def test_takes_any_iterable_of_pairs_and_any_kind_of_number():
    assert brief(check_thresholds(((i, v) for i, v in enumerate([1, 5.5, fractions.Fraction(9, 2)])), max_threshold=4)) == [
        (1, "above_maximum", "critical"),
        (2, "above_maximum", "high"),
    ]
    assert len(check_thresholds([[1, 2]], max_threshold=1)) == 1
    assert check_thresholds([(2**53 + 1, 2)], max_threshold=1)[0].reading_id == 2**53 + 1


@pytest.mark.parametrize(
    "arguments, error, text",
    [
        (dict(readings=5), TypeError, "readings must be a sequence of (id, value) pairs, not int"),
        (dict(readings=None), TypeError, "readings must be a sequence of (id, value) pairs, not NoneType"),
        (dict(readings="ab"), TypeError, "readings must be a sequence of (id, value) pairs, not str"),
        (dict(readings={1: 2}), TypeError, "readings must be a sequence of (id, value) pairs, not dict"),
        (dict(readings=[(1, 2.0), 3]), TypeError, "readings[1] must be a pair (id, value), not int"),
        (dict(readings=["ab"]), TypeError, "readings[0] must be a pair (id, value), not str"),
        (dict(readings=[(1, 2, 3)]), ValueError, "readings[0] must be a pair (id, value), but has 3 members"),
        (dict(readings=[("1", 2)]), TypeError, "readings[0]: the id must be an integer, not str"),
        (dict(readings=[(1.5, 2)]), TypeError, "readings[0]: the id must be an integer, not float"),
        (dict(readings=[(2**63, 2)]), ValueError, "readings[0]: the id is out of range"),
        (dict(readings=[(1, "2")]), TypeError, "readings[0]: the value must be a number, not str"),
        (dict(readings=[(1, None)]), TypeError, "readings[0]: the value must be a number, not NoneType"),
        (dict(readings=[(1, True)]), TypeError, "readings[0]: the value must be a number, not bool"),
        (dict(readings=[(1, math.nan)]), ValueError, "readings[0]: the value must be finite, not nan"),
        (dict(readings=[(1, 1), (2, -math.inf)]), ValueError, "readings[1]: the value must be finite, not -inf"),
        (dict(readings=[(1, 10**400)]), ValueError, "readings[0]: the value is out of range"),
        (dict(readings=[], min_threshold="x"), TypeError, "min_threshold must be a number, not str"),
        (dict(readings=[], min_threshold=2, max_threshold=1), ValueError, "min_threshold must not be above max_threshold"),
        (dict(readings=[], max_threshold=math.nan), ValueError, "max_threshold must be finite, not nan"),
    ],
)
def test_wrong_input_is_refused_with_a_clear_text(arguments, error, text):
    with pytest.raises(error) as caught:
        check_thresholds(**arguments)
    assert str(caught.value) == text


def test_an_error_of_the_iterable_comes_through():
    def failing():
        yield (1, 2.0)
        raise RuntimeError("sensor unplugged")

    with pytest.raises(RuntimeError, match="sensor unplugged"):
        check_thresholds(failing())


def test_has_a_help_text():
    assert "(id, value)" in threshold_checker.check_thresholds.__doc__

import pytest
from scipy import stats

from zoo import chance


def test_of_two_networks_the_rule_is_the_t_test(rng):
    verdicts = set()
    for _ in range(50):
        one, other = rng.normal(0.5, 1, 3), rng.normal(-0.5, 1, 4)
        difference, within, verdict = chance.decide({"one": one, "other": other}, "one", "other")
        result = stats.ttest_ind(one, other)  # of equal variances
        assert difference / within == pytest.approx(result.statistic / stats.t.ppf(0.975, 5))
        assert (verdict == "not decided") == (result.pvalue >= 0.05)
        verdicts.add(verdict)
    assert {"confirmed", "not decided"} <= verdicts


def test_the_spread_is_pooled_over_all_that_have_two_scores():
    # Squares: 0.5 of (1, 2), and 2 of (3, 4, 5), over 1 + 2 degrees of freedom. The last says nothing.
    deviation, freedom = chance.spread({"a": [1, 2], "b": [3, 4, 5], "c": [100]})
    assert (deviation**2, freedom) == (pytest.approx(2.5 / 3), 3)
    # Student's t for 3 degrees of freedom is 3.182 in tables.
    assert chance.limit({"a": [1, 2], "b": [3, 4, 5]}, 1, 3) == pytest.approx(
        3.182 * (2.5 / 3 * 4 / 3) ** 0.5, rel=1e-3
    )


def test_a_verdict_has_a_direction():
    assert [chance.judge(difference, 1) for difference in (2, 1, -1, -2)] == [
        "confirmed",
        "not decided",
        "not decided",
        "contradicted",
    ]


def test_one_score_each_decides_nothing():
    with pytest.raises(ValueError, match="`trainings` must hold a network with two scores"):
        chance.spread({"a": [1.0], "b": [2.0]})

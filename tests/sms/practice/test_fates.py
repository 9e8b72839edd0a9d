from __future__ import annotations

from collections import Counter

import pytest

from sms.practice.fates import ENDINGS, FATES, MIX, fate_of
from sms.practice.faults import Dice, check_chances


def test_the_mix_is_whole_and_every_fate_exists() -> None:
    assert sum(MIX.values()) == pytest.approx(1.0)
    assert {*MIX, *ENDINGS.values()} == set(FATES)


def test_the_mix_comes_out_as_declared() -> None:
    drawn = Counter(fate_of(1, f"reference-{n}", "+12025550123")[0] for n in range(20_000))
    for name, chance in MIX.items():
        assert drawn[name] / 20_000 == pytest.approx(chance, abs=0.005)


def test_the_same_message_has_the_same_fate_in_every_run_of_a_seed() -> None:
    first = [fate_of(7, f"r{n}", "+12025550123") for n in range(500)]
    assert first == [fate_of(7, f"r{n}", "+12025550123") for n in range(500)]
    assert first != [fate_of(8, f"r{n}", "+12025550123") for n in range(500)]


@pytest.mark.parametrize(("ending", "name"), ENDINGS.items())
def test_the_last_digits_of_a_number_force_its_fate(ending: str, name: str) -> None:
    assert fate_of(1, "any", f"+1202555{ending}")[0] == name


def test_dice_of_one_seed_fall_alike_and_keep_their_chances() -> None:
    chances = {"error_after": 0.2, "throttled": 0.1}
    rolls = [Dice(3, chances) for _ in range(2)]
    first, second = ([dice.roll() for _ in range(10_000)] for dice in rolls)
    assert first == second
    assert Counter(first)["error_after"] == pytest.approx(2_000, abs=200)
    assert Counter(first)[""] == pytest.approx(7_000, abs=300)


@pytest.mark.parametrize(
    "chances", [{"earthquake": 0.1}, {"throttled": 2}, {"throttled": True}, [1]]
)
def test_chances_that_make_no_sense_are_refused(chances: object) -> None:
    with pytest.raises(ValueError, match=r"fault|chance"):
        check_chances(chances)

"""Filling the state machine's file."""

from stacks.blocks.filling import fill


def test_a_lone_placeholder_takes_its_value_with_its_type() -> None:
    document = {"Seconds": "${Poll}", "Items": ["${Views}"], "Text": "x ${Poll} y", "n": 3}
    assert fill(document, {"Poll": 5, "Views": [{"a": 1}]}) == {
        "Seconds": 5,
        "Items": [[{"a": 1}]],
        "Text": "x 5 y",
        "n": 3,
    }


def test_other_dollars_stay() -> None:
    assert fill("{% $states.input & '${Unknown}' %}", {"Poll": 5}) == (
        "{% $states.input & '${Unknown}' %}"
    )

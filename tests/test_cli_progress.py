"""Progress on stderr, and patience with signals while something is saved."""

import os
import signal
import threading

import pytest

from optcomp.cli import progress as module
from optcomp.cli.patience import Patience
from optcomp.cli.progress import Lines, line, progress
from optcomp.solve import Progress


def step(objective: float | None, bound: float | None, phase: str = "searching") -> Progress:
    return Progress(phase, objective, bound, 1.0)


def told(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_a_line_has_what_is_known():
    assert line(step(None, None)) == "searching"
    assert line(step(1.02, None)) == "searching, best 102.000 %"
    assert line(step(1.02, 1.03)) == "searching, best 102.000 %, ceiling 103.000 %, gap 1.000 pp"


def test_a_ceiling_that_says_nothing_is_left_out():
    """The first bound of a search can be thousands of per cent."""
    assert line(step(1.02, 247.0)) == "searching, best 102.000 %"


def test_only_news_gets_a_line(capsys: pytest.CaptureFixture[str]):
    with Lines() as lines:
        for one in (step(1.02, 1.05), step(1.02, 1.05), step(1.03, 1.05), step(1.03, 1.04), step(1.03, 1.04, "ending")):
            lines.show(one)

    assert len(told(capsys)) == 4


def test_a_bound_that_arrives_is_news_and_one_that_hardly_moves_is_not(capsys: pytest.CaptureFixture[str]):
    with Lines() as lines:
        for one in (step(1.02, None), step(1.02, 1.05), step(1.02, 1.05 - 1e-9)):
            lines.show(one)

    assert len(told(capsys)) == 2


def test_a_long_silence_is_broken(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "HEARTBEAT", 0.001)
    second = threading.Event()
    with Lines() as lines:
        tell = lines._tell
        monkeypatch.setattr(lines, "_tell", lambda one: (tell(one), second.set()))
        lines._last = step(1.02, None)
        assert second.wait(10.0)

    assert "best 102.000 %" in told(capsys)[0]


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]):
    with progress(is_quiet=True, is_live=True) as show:
        show(step(1.02, 1.05))

    assert capsys.readouterr() == ("", "")


def test_the_live_line_takes_markup_letter_by_letter(capsys: pytest.CaptureFixture[str]):
    """And leaves stdout to the result."""
    with progress(is_quiet=False, is_live=True) as show:
        show(step(1.02, 1.05, "[bold]searching[/nonsense]"))

    assert capsys.readouterr().out == ""


# ---- patience -------------------------------------------------------------------------------------------------------


def send(number: int) -> None:
    os.kill(os.getpid(), number)


def test_with_nothing_to_lose_a_signal_ends_it_at_once():
    with pytest.raises(KeyboardInterrupt), Patience():
        send(signal.SIGINT)
    with pytest.raises(SystemExit) as end, Patience():
        send(signal.SIGTERM)

    assert end.value.code == 143


def test_while_something_is_saved_the_first_signal_waits():
    with Patience() as patience:
        patience.save()
        send(signal.SIGTERM)

    assert patience.exit_code == 143


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_does_not_wait(number: signal.Signals):
    with Patience() as patience:
        patience.save()
        send(number)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            send(number)


def test_a_signal_that_the_solve_has_had_is_the_first():
    with Patience() as patience:
        patience.save()
        patience.note(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)

    assert patience.exit_code == 130


def test_a_signal_between_two_handlers_is_passed_on_once():
    heard = []
    with Patience() as patience:
        patience.save()
        send(signal.SIGTERM)
        signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
        patience.hand_over()
        patience.hand_over()

    assert heard == [signal.SIGTERM]
    assert patience.exit_code == 0


def test_the_old_handlers_come_back():
    before = signal.getsignal(signal.SIGTERM)

    with Patience():
        pass

    assert signal.getsignal(signal.SIGTERM) is before


def test_outside_the_main_thread_nothing_is_changed():
    seen = []

    def body() -> None:
        with Patience():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()

    assert seen == [signal.getsignal(signal.SIGINT)]

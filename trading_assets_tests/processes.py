"""Other processes for tests: forked from a server that has imported the lake but opened nothing, so they start fast."""

import multiprocessing
import traceback

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["trading_assets.lake.store.sql", "trading_assets.market_data.contract", "hypothesis"])


def _answer(answers, function, *args):
    try:
        answers.put((None, function(*args)))
    except BaseException:  # noqa: BLE001 - the parent reports it
        answers.put((traceback.format_exc(), None))


class Together:
    """Processes that each call a function; ``answers`` waits for what they return, and fails if one of them fails."""

    def __init__(self):
        self._answers = context.Queue()
        self._processes = []

    def start(self, function, *args):
        process = context.Process(target=_answer, args=(self._answers, function, *args))
        process.start()
        self._processes.append(process)

    def answers(self):
        found = [self._answers.get(timeout=300) for _ in self._processes]
        for process in self._processes:
            process.join()
        errors = [error for error, _ in found if error]
        assert not errors, errors[0]
        return [answer for _, answer in found]

"""Runs stages of one business date: lock, reconcile, pin, build, audit, check again, flip, record.

lock of the date -> reconcile -> for each stage: inputs pinned -> current already? skip -> build in private
directories -> audit -> (group complete?) inputs still the same, lock still ours -> intent recorded -> flip -> recorded
Two things run aside: a stage's audit while the next stage of its group is built, and the build of a stage that needs
nothing of the one before it. Nothing of a group is flipped before all its audits are over.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from common.errors import CannotWrite, Failure, Stopped, TryAgain, known
from common.landing.master import settings_of_night
from common.publish.audit import audit
from common.publish.barrier import barrier
from common.publish.flip import is_published, point
from common.publish.ledger import Ledger
from common.publish.reconcile import private_directories, reconcile, sweep_directories, sweep_scratch
from common.publish.run import Clients, Run, code_version, fingerprint_of
from common.publish.window import check_window
from common.stages import Built, Input, Stage


@dataclass
class Done:
    """How one stage went: `state` is `built` or `current` (nothing to do)."""

    stage: str
    state: str
    seconds: float
    rows: dict[str, int] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    run_id: int = 0


@dataclass
class _Begun:
    """A stage whose inputs are pinned; `early` is its build where that was begun beside the stage before it."""

    stage: Stage
    inputs: list[Input]
    fingerprint: str
    must_run: bool
    early: Future[Built] | None = None


@dataclass
class _Waiting:
    """A stage that is built and waits for its audit and for its group to be published."""

    begun: _Begun
    built: Built
    audited: Future[None]


def run_stages(
    clients: Clients,
    stages: Sequence[Stage],
    day: date,
    options: argparse.Namespace,
    *,
    command: str,
    window_end: datetime | None = None,
) -> list[Done]:
    """Runs the stages for one date under its lock; raises the Failure of the first one that fails, recorded.

    From `window_end` on, no further stage starts: TryAgain.
    """
    ledger = Ledger(clients.postgres, day)
    ledger.lock(clients.settings["night.lock_wait_seconds"])
    try:
        changed = {
            k: v for k, v in vars(options).items() if v and k not in ("handler", "dates", "command", "json", "quiet", "set")
        }
        run_id = ledger.begin(command, changed, code_version(), clients.settings.hash())
        run = Run(clients, day, run_id, options)
        try:
            take_settings_of_night(run, ledger, stages)
            reconcile(run, ledger)
            done = _Executor(run, ledger).all(stages, window_end)
            sweep_scratch(run)
        except BaseException as error:
            said = known(error)
            if isinstance(said, CannotWrite):
                _quietly_make_room(run, ledger)
            code = said.exit_code if isinstance(said, Failure | Stopped) else 70
            _quietly_end(ledger, "failed", code, str(said) or type(said).__name__)
            raise
        ledger.end("succeeded", 0)
        return done
    finally:
        ledger.close()


def take_settings_of_night(run: Run, ledger: Ledger, stages: Sequence[Stage]) -> None:
    """Gives the run the settings of the date's snapshot, and tells where today's are others.

    A run that takes master data of today takes today's settings, too.
    """
    if run.option("refresh_master", False) or not any(stage.settings for stage in stages):
        return
    today = run.settings
    run.settings = settings_of_night(run.hdfs, run.day, today)
    others = [key for key in today if run.settings[key] != today[key]]
    for key in others:
        kept = f"  {key} is {run.settings[key]!r}, as on the night of {run.day}"
        run.say(f"{kept}; today's is {today[key]!r}, which --refresh-master would take")
    if others:
        ledger.settings_are(run.settings.hash())


def _quietly_make_room(run: Run, ledger: Ledger) -> None:
    """Removes at once what the next start would sweep: the half-written files take the room that is needed."""
    with contextlib.suppress(Failure):
        sweep_directories(run, ledger.published_locations() | ledger.promised_locations(), private_directories(run))


def _quietly_end(ledger: Ledger, status: str, code: int, error: str) -> None:
    """The first failure is what the user must see, not that the ledger could not be told of it."""
    with contextlib.suppress(Failure):
        ledger.end(status, code, error)


class _Executor:
    """The stages of one run, in order."""

    def __init__(self, run: Run, ledger: Ledger) -> None:
        self.run, self.ledger = run, ledger
        self.waiting: list[_Waiting] = []
        self.early: dict[str, _Begun] = {}
        self.wants_spark = False
        self.auditor, self.aside = ThreadPoolExecutor(1, "audit"), ThreadPoolExecutor(1, "build")

    def all(self, stages: Sequence[Stage], window_end: datetime | None) -> list[Done]:
        first = self.run.option("from_stage")
        names = [s.name for s in stages]
        stages = stages[names.index(first) :] if first in names else stages
        done = []
        for number, stage in enumerate(stages):
            if number:
                self.require_window(stage, window_end)
            last_of_group = not stage.group or all(s.group != stage.group for s in stages[number + 1 :])
            if any(s.uses_spark for s in stages[number:]):
                self.wants_spark = True
            start = time.monotonic()
            begun = self.early.pop(stage.name, None) or self.begin(stage, first)
            for other in stages[number + 1 : number + 2]:
                if other.beside == stage.name and begun.must_run:
                    self.begin_early(other, first)
            rows, notes, run_id = self.finish(begun, last_of_group)
            state = "built" if begun.must_run else "current"
            done.append(Done(stage.name, state, time.monotonic() - start, rows, notes, run_id))
            self.report(done[-1])
        return done

    def require_window(self, stage: Stage, end: datetime | None) -> None:
        """Ends the night before this stage once its window has ended; what waits for publication has failed with it."""
        try:
            check_window(self.run.settings, end)
        except TryAgain as error:
            self.fail(stage, str(error))
            raise

    def begin(self, stage: Stage, first: str | None) -> _Begun:
        """Pins the inputs, and records the start of a stage that is not current."""
        inputs = stage.reads(self.run)
        fingerprint = self.fingerprint(stage, inputs)
        is_forced = self.run.option("force", False) or stage.name == first
        begun = _Begun(stage, inputs, fingerprint, bool(is_forced) or not self.is_current(stage, fingerprint))
        if begun.must_run:
            self.ledger.stage_begins(stage.name, fingerprint, inputs)
            if self.wants_spark:
                self.run.clients.warm_spark()
        return begun

    def begin_early(self, stage: Stage, first: str | None) -> None:
        """Builds the next stage aside. What keeps it from beginning is met again, and told, when it is its turn."""
        with contextlib.suppress(Failure):
            begun = self.early[stage.name] = self.begin(stage, first)
            if begun.must_run:
                begun.early = self.aside.submit(stage.build, self.run, begun.inputs)

    def finish(self, begun: _Begun, publish: bool) -> tuple[dict[str, int], dict[str, Any], int]:
        """Builds the stage, has it audited and, as the last of its group, publishes; its counts, notes and run."""
        stage = begun.stage
        if not begun.must_run:
            if publish:
                self.flip()
            last = self.ledger.last_success(stage.name)
            return (last.rows, last.notes, last.run_id) if last else ({}, {}, 0)
        try:
            built = begun.early.result() if begun.early else stage.build(self.run, begun.inputs)
            if stage.settings:
                built.notes["settings"] = self.run.settings.under(*stage.settings)
            barrier("built_before_audit")
            self.waiting.append(_Waiting(begun, built, self.auditor.submit(audit, self.run, stage, built)))
            if publish:
                self.flip()
        except BaseException as error:
            self.fail(stage, str(error) or type(error).__name__)
            raise
        return built.rows, built.notes, self.run.run_id

    def fingerprint(self, stage: Stage, inputs: list[Input]) -> str:
        options = {name: bool(self.run.option(name, False)) for name in stage.options}
        settings = self.run.settings.hash(*stage.settings) if stage.settings else ""
        return fingerprint_of([stage.name, code_version(), settings, options, [(i.name, i.fingerprint) for i in inputs]])

    def is_current(self, stage: Stage, fingerprint: str) -> bool:
        if stage.is_current is not None:
            return stage.is_current(self.run, fingerprint)
        return bool(stage.writes) and all(is_published(self.run, table, fingerprint) for table in stage.writes)

    def flip(self) -> None:
        """Publishes all that waits, after its audits and one more look at its inputs."""
        for item in self.waiting:
            item.audited.result()
        for item in self.waiting:
            again = {i.name: i.fingerprint for i in item.begun.stage.reads(self.run)}
            for pinned in item.begun.inputs:
                if again.get(pinned.name) != pinned.fingerprint:
                    raise TryAgain(
                        f"{pinned.name} was replaced while {item.begun.stage.name} was reading it",
                        where=pinned.location,
                        next="run the same command again",
                    )
        barrier("audited_before_flip")
        for item in self.waiting:
            self.ledger.stage_publishes(item.begun.stage.name, item.built)
        for item in self.waiting:
            for table, location in item.built.tables.items():
                inputs = [vars(i) for i in item.begun.inputs]
                point(self.run, table, location, self.run.run_id, item.begun.fingerprint, inputs, self.ledger.require_lock)
                barrier("between_flips")
            if item.built.publish is not None:
                item.built.publish(self.ledger.require_lock)
        barrier("flipped_before_ledger")
        for item in self.waiting:
            self.ledger.stage_ends(item.begun.stage.name, "succeeded")
            for table in item.built.tables:
                self.run.pending.pop(table, None)
        self.waiting = []

    def fail(self, stage: Stage, error: str) -> None:
        """Records the failure of a stage, of those whose publication waited for it, and of one begun early."""
        early = {name for name, begun in self.early.items() if begun.must_run}
        for name in {item.begun.stage.name for item in self.waiting} | early | {stage.name}:
            try:
                self.ledger.stage_fails(name, error)
            except Failure:
                return

    def report(self, done: Done) -> None:
        rows = ", ".join(f"{count:,} {outcome}" for outcome, count in done.rows.items()) or "nothing to count"
        state = "  (current, nothing to do)" if done.state == "current" else ""
        self.run.say(f"  {done.stage:<16} {done.seconds:6.1f} s  {rows}{state}")

"""Undoing an import: what it changed is put back, the newest change first, from the change log.

A record that anybody else has changed since is left as it is, and named. Each change is put back only where the record
is as that change left it; so an undo that was stopped goes on when it is run again, and one that is done does nothing.
What it holds is bounded by what others have changed since the import, not by the import.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import batched
from typing import NamedTuple

from arrears.ledger.accounts import CounterpartyRecord
from arrears.ledger.documents import Document, Parts
from arrears.ledger.ids import outward_id
from arrears.ledger.import_ids import CLOCKS_DIFFER, began_at
from arrears.ledger.known_at import NotKnownThen, instant_of, moment_of
from arrears.ledger.on_account_records import OnAccountRecord
from arrears.ledger.organisation import Organisation
from arrears.ledger.origin import Origin
from arrears.ledger.putting_back import (
    BLOCKED,
    PUT_BACK,
    Change,
    HeadChange,
    HeadState,
    Located,
    OwnChange,
    OwnState,
    PartChange,
    PuttingBack,
)
from arrears.ledger.recording import Recording
from arrears.storage.dynamodb import Key
from arrears.storage.ledger import keys
from arrears.storage.ledger.change_entries import Entry
from arrears.storage.ledger.change_log import ChangeLog
from arrears.storage.ledger.change_walk import ChangeWalk, ItemChange, Step
from arrears.storage.ledger.entities import read_counterparty_record, read_document, read_on_account
from arrears.storage.ledger.past_table import LATE_MICROSECONDS
from arrears.storage.ledger.recorder import READ_AHEAD, Recorder, Session

_TOGETHER = 15
"""Customers that fit into one transaction."""

type Name = tuple[str, str]
"""Type and id of a record."""


class Undone(NamedTuple):
    """What came of an undo. put_back: changes that it put back. kept: records that it left, by the caller's ids."""

    put_back: int
    found: int
    kept: list[Name]


class ImportUndo(Recorder):
    """Undoes imports in one ledger table."""

    def run(
        self,
        organisation: Organisation,
        import_id: str,
        now: datetime,
        origin: Origin,
        progress: Callable[[int], None] = lambda _: None,
    ) -> Undone:
        """Puts back what an import has changed. origin: who does it. progress: called with the changes of each batch.

        Raises ValueError for what is no id of an import, NotKnownThen for one of which changes may have been removed,
        and ArrearsError (unavailable) when others keep changing the same accounts.
        """
        _check_kept(organisation, import_id)
        first = self._first_moment(organisation, import_id)
        if first is None:
            return Undone(0, 0, [])
        session = Session(organisation, now, origin._replace(undo_of=import_id))
        meanwhile = session.moment() - LATE_MICROSECONDS
        undo = _Undo(organisation, import_id, meanwhile)
        outcomes = _Outcomes()
        for batch in batched(undo.changes(self._steps(organisation, first)), READ_AHEAD, strict=False):
            outcomes.add(batch, self._put_back(session, batch))
            progress(len(batch))
        self._put_back_blocked(session, outcomes)
        undo.note_meanwhile(self._steps(organisation, max(first, meanwhile)), outcomes.passed_over)
        kept = {**undo.kept, **{change.name: (change.kind, change.reference) for change in outcomes.blocked}}
        return Undone(outcomes.put_back, undo.found, list(kept.values()))

    def _put_back_blocked(self, session: Session, outcomes: "_Outcomes") -> None:
        """Account numbers may be free after an older change was put back, or customers have each other's."""
        blocked, outcomes.blocked = outcomes.blocked, []
        outcomes.add(blocked, self._put_back(session, blocked))
        blocked, outcomes.blocked = outcomes.blocked, []
        for together in batched(blocked, _TOGETHER, strict=False):
            named = [key for change in together for key in _keys_of(session.organisation.id, change)]
            [found] = self._run(session, [partial(_step_together, changes=together)], named)
            outcomes.add(together, found)

    def _steps(self, organisation: Organisation, first: int) -> Iterator[Step]:
        return ChangeWalk(self._client, self._table, organisation.id).newest_first(first)

    def _first_moment(self, organisation: Organisation, import_id: str) -> int | None:
        """When the import changed something first: what others did before that is not looked at."""
        log = ChangeLog(self._client, self._table, organisation.id)
        entries = log.entries(moment_of(began_at(import_id) - CLOCKS_DIFFER))
        return next((entry.moment for entry in entries if entry.origin.import_id == import_id), None)

    def _put_back(self, session: Session, changes: Sequence[Change]) -> list[str]:
        steps = [partial(_step, change=change) for change in changes]
        named = [key for change in changes for key in _keys_of(session.organisation.id, change)]
        return self._run(session, steps, named) if steps else []


def _check_kept(organisation: Organisation, import_id: str) -> None:
    """Raises NotKnownThen if the log may lack a change of the import: what is left of it would be put back alone."""
    first = None if organisation.known_from is None else instant_of(organisation.known_from)
    # The id of an import has whole seconds.
    if first is None or began_at(import_id) < first.replace(microsecond=0):
        raise NotKnownThen(first)


class _Outcomes:
    """What came of changes. passed_over: the records that were not as the change left them, by type and outward id."""

    def __init__(self) -> None:
        self.put_back = 0
        self.blocked: list[OwnChange] = []
        self.passed_over: dict[Name, Name] = {}

    def add(self, changes: Sequence[Change], outcomes: Sequence[str]) -> None:
        """Counts what came of some."""
        for change, outcome in zip(changes, outcomes, strict=True):
            if outcome == PUT_BACK:
                self.put_back += 1
            elif outcome == BLOCKED and isinstance(change, OwnChange):
                self.blocked.append(change)
            else:
                self.passed_over[change.name] = change.kind, change.reference


def _step(recording: Recording, change: Change) -> str:
    putting = PuttingBack.of(recording)
    outcome = putting.put_back(change)
    recording.unfinished = putting.unfinished
    return outcome


def _step_together(recording: Recording, changes: Sequence[OwnChange]) -> list[str]:
    return PuttingBack.of(recording).put_back_together(changes)


def _keys_of(organisation: str, change: Change) -> Iterator[Key]:
    """What putting back a change reads."""
    match change:
        case HeadChange(kind, id):
            yield keys.document_key(organisation, kind, id)
        case OwnChange(_, account):
            yield keys.account_key(organisation, account)
            yield keys.account_key(organisation, account, keys.COUNTERPARTY)
        case PartChange(kind, id):
            yield keys.pointer_key(organisation, kind, id)
            if kind in ("payment", "credit"):
                yield keys.on_account_key(organisation, kind, id)
            for located in (change.before, change.after):
                if located is not None and kind in ("reminder", "promise"):
                    yield keys.account_key(organisation, located.target, keys.COUNTERPARTY)


class _Undo:
    """The changes of one import in the change log, without those of records that others have changed since.

    meanwhile: from this moment on entries may be written that the walk does not find. found: how many changes the
    import has made. kept: the records that others have changed since, by type and outward id.
    """

    def __init__(self, organisation: Organisation, import_id: str, meanwhile: int) -> None:
        self._organisation = organisation
        self._meanwhile = meanwhile
        self._seen: set[tuple[int, str]] = set()
        self._import_id = import_id
        self._changed_since: set[Name] = set()
        self.found = 0
        self.kept: dict[Name, Name] = {}

    def changes(self, steps: Iterator[Step]) -> Iterator[Change]:
        """What to put back, in this order."""
        for step in steps:
            if step.entry.moment >= self._meanwhile:
                self._seen.add((step.entry.moment, step.entry.name))
            if step.entry.origin.undo_of == self._import_id:
                continue
            found = list(changes_of(self._organisation, step))
            if step.entry.origin.import_id != self._import_id:
                self._changed_since.update(change.name for change in found)
                continue
            for change in reversed(found):
                self.found += 1
                if change.name in self._changed_since:
                    self.kept[change.name] = change.kind, change.reference
                else:
                    yield change

    def note_meanwhile(self, steps: Iterator[Step], passed_over: Mapping[Name, Name]) -> None:
        """Of the records that were passed over, notes those that somebody has changed while others were put back."""
        for step in steps if passed_over else ():
            origin, place = step.entry.origin, (step.entry.moment, step.entry.name)
            if place not in self._seen and self._import_id not in (origin.undo_of, origin.import_id):
                names = (change.name for change in changes_of(self._organisation, step))
                self.kept.update({name: passed_over[name] for name in names if name in passed_over})


def changes_of(organisation: Organisation, step: Step) -> Iterator[Change]:
    """How the records of an entry were changed, with all that is needed to put them back."""
    parts = _PartChanges(organisation, step.entry)
    for item in step.items:
        if item.key[1] == keys.DOCUMENT:
            yield from _document_changes(item, parts)
        elif item.key[1] == keys.COUNTERPARTY:
            yield from _counterparty_changes(item, parts)
        else:
            _note_money(item, parts)
    yield from parts.changes()


class _PartChanges:
    """Where the parts, reminders and promises of an entry were stored before and after it."""

    def __init__(self, organisation: Organisation, entry: Entry) -> None:
        self._organisation = organisation
        self._before: dict[Name, Located] = {}
        self._after: dict[Name, Located] = {}
        self._references: dict[Name, str] = {}
        self._pointers: dict[Name, str | None] = {}
        for key, item in entry.before.items():
            name = keys.pointed(key)
            if name is not None:
                self._pointers[name] = None if item is None else item["t"]["S"]

    def note(self, kind: str, reference: str, before: Located | None, after: Located | None) -> None:
        """Notes where one was stored on a document or account."""
        name = kind, outward_id(self._organisation.id, kind, reference)
        self._references.setdefault(name, reference)
        if before is not None:
            self._before[name] = before
        if after is not None:
            self._after[name] = after

    def note_all(self, target: str, before: Parts, after: Parts, kind: str | None = None) -> None:
        """Notes those that differ. kind: of all of them; None: their keys say it."""
        for key in {**before, **after}:
            old, new = before.get(key), after.get(key)
            if old != new:
                prefix, _, reference = (kind, "", key) if kind is not None else key.partition(":")
                located = [None if part is None else Located(target, key, part) for part in (old, new)]
                self.note(prefix, reference, *located)

    def changes(self) -> Iterator[PartChange]:
        """All of them."""
        for name in {**self._references, **self._pointers}:
            pointer = self._pointers.get(name)
            yield PartChange(
                *name,
                self._references.get(name, name[1]),
                self._before.get(name),
                self._after.get(name),
                name in self._pointers,
                None if pointer is None else keys.deleted_at(pointer),
            )


def _document_changes(item: ItemChange, parts: _PartChanges) -> Iterator[HeadChange]:
    kind, id_ = keys.document_kind(item.key), keys.document_id(item.key)
    before, after = (
        Document(kind, id_, "") if one is None else read_document(kind, id_, one) for one in (item.before, item.after)
    )
    states = HeadState.of(before), HeadState.of(after)
    if states[0] != states[1]:
        lines, _ = item.beside.lines
        stored = [] if lines is None or before.lines is None else json.loads(lines["b"]["S"])
        yield HeadChange(kind, id_, after.reference or before.reference, *states, stored)
    parts.note_all(after.target, before.parts, after.parts)


def _counterparty_changes(item: ItemChange, parts: _PartChanges) -> Iterator[OwnChange]:
    account = keys.account_in(item.key)
    before, after = (
        CounterpartyRecord() if one is None else read_counterparty_record(one) for one in (item.before, item.after)
    )
    states = OwnState(before.record, before.deleted_at), OwnState(after.record, after.deleted_at)
    if states[0] != states[1]:
        yield OwnChange("customer" if account[0] == "c" else "supplier", account, item.beside.reference, *states)
    parts.note_all(account, before.reminders, after.reminders, "reminder")
    parts.note_all(account, before.promises, after.promises, "promise")


def _note_money(item: ItemChange, parts: _PartChanges) -> None:
    kind, id_ = keys.on_account_id(item.key)
    before, after = (
        OnAccountRecord(kind, id_, "") if one is None else read_on_account(kind, id_, one)
        for one in (item.before, item.after)
    )
    located = [
        None if one.part is None or one.account is None else Located(one.account, f"{kind}:{one.reference}", one.part)
        for one in (before, after)
    ]
    if located[0] != located[1]:
        parts.note(kind, after.reference or before.reference, *located)

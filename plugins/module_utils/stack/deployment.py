# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doing half of a deploy: changes, barriers, the verdict, and the way back. Talks to the engine."""

from __future__ import annotations

import time
import typing as t
from dataclasses import replace

from ..engine import EngineError, NotFound, OutOfSequence, Unreachable
from ..plan import Change, FlotillaError, short_hash
from . import planning
from .canonical import Json, service_mode
from .images import image_of
from .lock import LEASE_SECONDS, release_lock, renew_lock, take_lock
from .logs import read_log_tail
from .naming import NAMESPACE_LABEL
from .objects import Item, by_name, item_name
from .session import Session, Touched
from .verdict import FAILED, RUNNING, Verdict, describe_end, judge, settle, settle_at_once

POLL_SECONDS = 1.0
OUTAGE_SECONDS = 90.0
"""So long the engine may be away while we wait for tasks: it may be restarting, or its manager may be electing a leader."""
LEFTOVER_SECONDS = 15.0
"""So long a failed run tries to remove the networks, secrets and configs that it made."""
SEQUENCE_RETRIES = 5
_IN_USE = ("in use", "active endpoints", "has active")


class DeployError(FlotillaError):
    """A deploy that failed. ``result`` is added to what the module returns."""

    def __init__(self, message: str, result: Json) -> None:
        super().__init__(message)
        self.result = result


class Deployment:
    """One run on one stack, or the part of it that fits into one call of the module.

    ``apply`` and ``watch`` are those of the runner. A call ends early, with ``pending`` in its result, when ``slice_seconds``
    (0: never) are over; the next call brings the session and goes on.
    """

    def __init__(
        self,
        engine: t.Any,
        stack: str,
        session: Session,
        timeout_seconds: float,
        slice_seconds: float = 0.0,
        wait: bool = True,
        undo: bool = True,
        auth: t.Callable[[str], dict[str, str] | None] = lambda image: None,
        clock: t.Callable[[], float] | None = None,
        sleep: t.Callable[[float], None] | None = None,
    ) -> None:
        self._engine, self._stack, self._session = engine, stack, session
        self._wait, self._undo, self._auth = wait, undo, auth
        self._clock, self._sleep = clock or time.time, sleep or time.sleep
        session.began = session.began or self._clock()
        self._deadline = session.began + timeout_seconds
        self._slice_end = self._clock() + slice_seconds if slice_seconds else None
        self._observed = planning.Observed()
        self._ids: dict[tuple[str, str], str] = {}
        self._before: dict[str, Item] = {}
        self._halted = False

    def start(self, observed: planning.Observed) -> None:
        """Take what was read before the plan was made."""
        self._observed = observed
        self._ids = {("secret", item_name(item)): item["ID"] for item in observed.secrets}
        self._ids.update({("config", item_name(item)): item["ID"] for item in observed.configs})

    def apply(self, change: Change) -> None:
        """Do one change, after those that it waits for; nothing once the time of this call is over."""
        if self._halted or (change.kind == "service" and change.name in self._session.touched):
            return
        try:
            self._lock()
            self._await(self._barrier(change), steady=change.action == planning.REMOVE)
            if not self._halted:
                _ACTS[change.kind, change.action](self, change.name, change.payload)
        except FlotillaError as error:
            raise self._failure(error) from None

    def watch(self, wanted: t.Sequence[Json]) -> Json:
        """Wait for the verdict on everything that was touched, and tell how every wanted service fares."""
        try:
            verdicts = self._await(list(self._session.touched) if self._wait else [])
        except FlotillaError as error:
            raise self._failure(error) from None
        if self._halted:
            return {"pending": True, "session": self._session.as_result(), "progress": dict(self._session.seen)}
        self._unlock()
        return self._account(wanted, verdicts)

    def watch_gone(self) -> Json:
        """Wait until no task of the stack is left."""
        while not self._halted and self._wait:
            tasks = self._tasks()
            if not tasks:
                break
            self._pause(f"{len(tasks)} tasks of stack {self._stack} are still there", {})
        if self._halted:
            return {"pending": True, "session": self._session.as_result(), "progress": dict(self._session.seen)}
        self._unlock()
        return {"services": [], "summary": self.summary(0)}

    # Waiting

    def _barrier(self, change: Change) -> list[str]:
        """What must run or have completed before a change: for a removal everything, so that nothing is lost if it doesn't."""
        if change.action == planning.REMOVE:
            return list(self._session.touched) if self._wait else []
        return list(change.payload.waits_for)

    def _await(self, names: t.Sequence[str], steady: bool = True) -> dict[str, Verdict]:
        """Poll until these services run or have completed, and if ``steady`` have run for their monitor time.

        Raises FlotillaError with the cause when one fails or time is up.
        """
        fresh: dict[str, int] = {}
        while names and not self._halted:
            services, tasks = self._poll()
            verdicts = {name: self._verdict(services.get(name), name, tasks, fresh) for name in names}
            failed = [verdict for verdict in verdicts.values() if verdict.state == FAILED]
            if failed:
                raise FlotillaError(self._describe_failure(failed))
            slow = [v for v in verdicts.values() if v.state != RUNNING and (steady or not v.converged)]
            # Of what was not touched only that is told for which we wait.
            texts = {name: _progress(v) for name, v in verdicts.items() if name in self._session.touched or v in slow}
            if not slow:
                self._session.seen.update(texts)
                return verdicts
            self._pause("; ".join(f"{v.name}: {v.text}{f', {v.cause}' if v.cause else ''}" for v in slow), texts)
        return {}

    def _verdict(self, service: Item | None, name: str, all_tasks: t.Mapping[str, list[Item]], fresh: dict[str, int]) -> Verdict:
        if service is None:
            raise FlotillaError(f"service {name} is gone: something else removed it while it was deployed")
        tasks = all_tasks.get(service["ID"], [])
        touched = self._session.touched.get(name)
        memory = self._session.memory.setdefault(name, {})
        if touched:
            verdict = judge(service, tasks, self._observed.nodes, touched.since)
        elif service_mode(service["Spec"]).endswith("-job"):
            verdict = settle_at_once(judge(service, tasks, self._observed.nodes))
            cure = "; another run_id runs it again" if verdict.state == FAILED else ""
            return replace(verdict, cause=f"{verdict.cause}{cure}")
        else:
            # Not ours: what happened before we looked says nothing about whether it will run.
            newest = max((task["Version"]["Index"] for task in tasks), default=0)
            since = fresh.setdefault(name, newest)
            verdict = judge({**service, "UpdateStatus": None}, tasks, self._observed.nodes, since)
        return settle(verdict, service, memory, self._clock())

    def _poll(self) -> tuple[dict[str, Item], dict[str, list[Item]]]:
        """The services of the stack by name, and their tasks that run the present spec, by the ID of the service."""
        query = {"label": [f"{NAMESPACE_LABEL}={self._stack}"]}
        patience = self._clock() + OUTAGE_SECONDS
        while True:
            try:
                services = self._engine.get("/services", f"watching stack {self._stack}", filters=query)
                up_to_date = {**query, "_up-to-date": ["true"]}
                tasks = self._engine.get("/tasks", f"watching stack {self._stack}", filters=up_to_date)
                return by_name(services), _by_service(tasks)
            except EngineError as error:
                if not _is_outage(error) or self._clock() > min(patience, self._deadline):
                    raise
                self._sleep(POLL_SECONDS)

    def _tasks(self) -> list[Item]:
        query = {"label": [f"{NAMESPACE_LABEL}={self._stack}"]}
        return t.cast("list[Item]", self._engine.get("/tasks", f"watching stack {self._stack}", filters=query))

    def _pause(self, still: str, texts: t.Mapping[str, str]) -> None:
        now = self._clock()
        if now > self._deadline:
            raise FlotillaError(f"timed out after {now - self._session.began:.0f} s: {still}")
        if self._slice_end is not None and not any(item.act == planning.REPLACE for item in self._session.touched.values()):
            news = any(self._session.seen.get(name) != text for name, text in texts.items())
            self._halted = now > self._slice_end or (news and bool(self._session.touched))
        self._session.seen.update(texts)
        self._lock()
        if not self._halted:
            self._sleep(POLL_SECONDS)

    # Changes

    def _create_network(self, name: str, work: planning.Work) -> None:
        self._session.made.append(["network", name, self._create("network", work.body)])

    def _replace_network(self, name: str, work: planning.Work) -> None:
        self._remove_network(name, work)
        if not self._halted:
            self._create_network(name, work)

    def _remove_network(self, name: str, work: planning.Work) -> None:
        """Tasks that are still stopping hold their network."""
        while not self._halted:
            try:
                self._delete("network", name, t.cast(Item, work.observed)["Id"])
                return
            except EngineError as error:
                if not any(text in error.problem for text in _IN_USE):
                    raise
                self._pause(f"network {name} is still in use, {len(self._tasks())} tasks of the stack are left", {})

    def _create_data(self, kind: str, name: str, work: planning.Work) -> None:
        self._ids[kind, name] = self._create(kind, work.body)
        self._session.made.append([kind, name, self._ids[kind, name]])

    def _update_data(self, kind: str, name: str, work: planning.Work) -> None:
        item = t.cast(Item, work.observed)
        path = f"/{kind}s/{item['ID']}/update"
        self._engine.post(path, work.body, f"updating {kind} {name}", version=item["Version"]["Index"])

    def _create_service(self, name: str, work: planning.Work) -> None:
        self._session.touched[name] = Touched(self._post_service(work.body), planning.CREATE)

    def _post_service(self, body: Json) -> str:
        return self._create("service", self._linked(body), self._auth(image_of(body)))

    def _create(self, kind: str, body: Json, headers: dict[str, str] | None = None) -> str:
        """The ID of a new object. An answer that was lost is no reason to make it twice."""
        doing = f"creating {kind} {body['Name']}"
        for last in (False, True):
            try:
                answer = self._engine.post(f"/{kind}s/create", body, doing, headers=headers)
            except EngineError as error:
                if last or not self._outlasts(error):
                    raise
                try:
                    answer = self._engine.get(f"/{kind}s/{body['Name']}", doing)
                except NotFound:
                    continue
            return str(answer.get("ID") or answer["Id"])
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _outlasts(self, error: EngineError) -> bool:
        """Whether the engine was only away, or its swarm without a leader, and is there again."""
        if not _is_outage(error):
            return False
        until = min(self._clock() + OUTAGE_SECONDS, self._deadline)
        while self._clock() < until:
            try:
                self._engine.get("/services", filters={"name": ["none"]})
                return True
            except EngineError:
                self._sleep(POLL_SECONDS)
        return False

    def _update_service(self, name: str, work: planning.Work) -> None:
        service = t.cast(Item, work.observed)
        self._before[name] = service
        touched = Touched(service["ID"], planning.UPDATE, service["Version"]["Index"], short_hash(service["Spec"]))
        self._send_update(service, work.body, self._auth(image_of(work.body)))
        self._session.touched[name] = touched

    def _send_update(self, service: Item, body: Json, headers: dict[str, str] | None, **query: t.Any) -> None:
        name, version = item_name(service), service["Version"]["Index"]
        for _attempt in range(SEQUENCE_RETRIES):
            try:
                path = f"/services/{service['ID']}/update"
                self._engine.post(path, self._linked(body), f"updating service {name}", headers=headers, version=version, **query)
                return
            except EngineError as error:
                lost = not isinstance(error, OutOfSequence)
                if lost and not self._outlasts(error):
                    raise
                fresh = self._engine.get(f"/services/{service['ID']}", f"reading service {name} again")
                if lost and fresh.get("PreviousSpec") == service["Spec"]:
                    return  # it was done, and only the answer was lost
                if fresh["Spec"] != service["Spec"]:
                    problem = "was changed by something else since the plan was made"
                    raise FlotillaError(f"service {name} {problem}. Run again.") from None
                version = fresh["Version"]["Index"]
        raise FlotillaError(f"service {name} keeps changing while it is updated. Run again when that has ended.")

    def _replace_service(self, name: str, work: planning.Work) -> None:
        service = t.cast(Item, work.observed)
        self._before[name] = service
        self._engine.delete(f"/services/{service['ID']}", f"removing service {name}")
        self._session.touched[name] = Touched(self._post_service(work.body), planning.REPLACE, 0, short_hash(service["Spec"]))

    def _remove(self, kind: str, name: str, work: planning.Work) -> None:
        self._delete(kind, name, t.cast(Item, work.observed)["ID"])

    def _delete(self, kind: str, name: str, item_id: str) -> None:
        for last in (False, True):
            try:
                self._engine.delete(f"/{kind}s/{item_id}", f"removing {kind} {name}")
            except NotFound:
                pass
            except EngineError as error:
                if last or not self._outlasts(error):
                    raise
                continue
            break
        self._session.removed.append([kind, name])

    def _linked(self, body: Json) -> Json:
        """The spec with the IDs of the secrets and configs that it names, which may have been created a moment ago."""
        container = dict(body["TaskTemplate"]["ContainerSpec"])
        for kind, key in (("secret", "Secrets"), ("config", "Configs")):
            if container.get(key):
                word = kind.capitalize()
                container[key] = [{**item, f"{word}ID": self._id(kind, item[f"{word}Name"], body)} for item in container[key]]
        credentials = ((container.get("Privileges") or {}).get("CredentialSpec") or {}).get("Config")
        if credentials:
            spec = {**container["Privileges"]["CredentialSpec"], "Config": self._ids.get(("config", credentials), credentials)}
            container["Privileges"] = {**container["Privileges"], "CredentialSpec": spec}
        return {**body, "TaskTemplate": {**body["TaskTemplate"], "ContainerSpec": container}}

    def _id(self, kind: str, name: str, body: Json) -> str:
        try:
            return self._ids[kind, name]
        except KeyError:
            problem = "is external and does not exist"
            raise FlotillaError(f"{kind} {name} of service {body['Name']} {problem}. Create it first.") from None

    # Ends

    def _describe_failure(self, failed: t.Sequence[Verdict]) -> str:
        lines = []
        for verdict in failed:
            cause = verdict.cause or verdict.text
            if verdict.task and "task" not in cause:
                cause = f"{cause}: {self._describe_task(verdict.task)}"
            lines.append(f"{verdict.name} failed: {cause}")
            tail = read_log_tail(self._engine, verdict.task) if verdict.task else []
            lines.extend(f"    {line}" for line in tail)
        return "\n".join(lines)

    def _describe_task(self, task_id: str) -> str:
        try:
            return describe_end(self._engine.get(f"/tasks/{task_id}"), self._observed.nodes)
        except EngineError:
            return f"task {task_id} failed"

    def _failure(self, error: FlotillaError) -> DeployError:
        """Go back if that was asked for, unlock, and say everything that is known."""
        undone = self._roll_back() if self._undo else []
        self._unlock()
        names = set(self._session.touched)
        rest = len([item for item in self._observed.services if _belongs(item, self._stack) and item_name(item) not in names])
        untouched = [f"{rest} service{'s were' if rest > 1 else ' was'} never touched"] if rest else []
        end = [*undone, *untouched] if undone else []
        message = f"{error}\n{'; '.join(end)}." if end else str(error)
        changed = bool(names or self._session.made or self._session.removed)
        return DeployError(message, {"changed": changed, "undone": undone, "session": self._session.as_result()})

    def _roll_back(self) -> list[str]:
        told = []
        for name, touched in reversed(list(self._session.touched.items())):
            try:
                told.append(self._restore(name, touched))
            except FlotillaError as error:
                told.append(f"{name} could not be restored ({error})")
        until = self._clock() + LEFTOVER_SECONDS
        for kind, name, item_id in reversed(self._session.made):
            while not self._is_gone(kind, name, item_id) and self._clock() < until:
                self._sleep(POLL_SECONDS)
        return told

    def _is_gone(self, kind: str, name: str, item_id: str) -> bool:
        try:
            self._engine.delete(f"/{kind}s/{item_id}", f"removing {kind} {name}")
        except NotFound:
            return True
        except EngineError:
            # Tasks that are still stopping hold it. If it stays it does no harm: the next run uses it.
            return False
        return True

    def _restore(self, name: str, touched: Touched) -> str:
        if touched.act in (planning.CREATE, planning.REPLACE):
            self._delete("service", name, touched.id)
            if touched.act == planning.CREATE:
                return f"{name} was removed"
            self._post_service(self._before[name]["Spec"])
            return f"created {name} as it was"
        service = self._engine.get(f"/services/{touched.id}", f"reading service {name}")
        if short_hash(service["Spec"]) == touched.was:
            return f"the engine rolled back {name}"
        spec = service.get("PreviousSpec") or {}
        if name in self._before:
            spec = self._before[name]["Spec"]
        if short_hash(spec) != touched.was:
            return f"{name} was left as it is, because something else changed it"
        self._send_update(service, spec, None, registryAuthFrom="previous-spec")
        return f"rolled back {name} to {image_of(spec)}"

    def _lock(self) -> None:
        """Take the lock, or hold it for longer when half of its time is over."""
        session, now = self._session, self._clock()
        if not session.lock:
            session.lock, session.locked = take_lock(self._engine, self._stack, session.holder, now), now
        elif now > session.locked + LEASE_SECONDS / 2:
            renew_lock(self._engine, session.lock, now)
            session.locked = now

    def _unlock(self) -> None:
        if self._session.lock:
            release_lock(self._engine, self._session.lock)
            self._session.lock = ""

    def _account(self, wanted: t.Sequence[Json], verdicts: t.Mapping[str, Verdict]) -> Json:
        services, tasks = self._poll()
        rows = []
        for spec in sorted(wanted, key=item_name):
            name = spec["Name"]
            own = tasks.get(services[name]["ID"], [])
            verdict = verdicts.get(name) or settle_at_once(judge(services[name], own, self._observed.nodes))
            now = services[name]["Spec"]
            rows.append(
                {
                    "name": name,
                    "mode": service_mode(now),
                    "running": verdict.running,
                    "desired": verdict.desired,
                    "image": image_of(now),
                    "state": verdict.state,
                    "cause": verdict.cause if verdict.state != RUNNING else "",
                }
            )
        troubled = [row for row in rows if row["state"] == FAILED and row["name"] not in self._session.touched]
        return {
            "services": rows,
            "summary": self.summary(len(rows)),
            "session": self._session.as_result(),
            "warnings": [f"service {row['name']} was not changed, but does not run as it should: {row['cause']}" for row in troubled],
        }

    def summary(self, wanted: int) -> str:
        """Such as ``grading: 1 service updated, 1 created, 12 untouched, in 48 s``."""
        acts = [item.act for item in self._session.touched.values()]
        removed = sum(kind == "service" for kind, _name in self._session.removed)
        counts = (
            (acts.count(planning.UPDATE), "updated"),
            (acts.count(planning.CREATE), "created"),
            (acts.count(planning.REPLACE), "replaced"),
            (removed, "removed"),
            (wanted - len(acts), "untouched"),
        )
        told = [f"{count} {word}" for count, word in counts if count > 0]
        if told:
            count, _blank, word = told[0].partition(" ")
            told[0] = f"{count} service{'' if count == '1' else 's'} {word}"
        seconds = self._clock() - self._session.began
        return f"{self._stack}: {', '.join(told) or 'nothing to do'}, in {seconds:.0f} s"


def _by_service(tasks: t.Iterable[Item]) -> dict[str, list[Item]]:
    grouped: dict[str, list[Item]] = {}
    for task in tasks:
        grouped.setdefault(task["ServiceID"], []).append(task)
    return grouped


def _is_outage(error: EngineError) -> bool:
    """What passes when an engine restarts, or a swarm elects its leader."""
    return isinstance(error, Unreachable) or ((error.status or 0) >= 500 and not isinstance(error, OutOfSequence))


def _progress(verdict: Verdict) -> str:
    return f"{verdict.text}, stable" if verdict.state == RUNNING and "running" in verdict.text else verdict.text


def _belongs(item: Item, stack: str) -> bool:
    return (item["Spec"].get("Labels") or {}).get(NAMESPACE_LABEL) == stack


_Act = t.Callable[[Deployment, str, planning.Work], None]


def _for_kind(act: t.Callable[[Deployment, str, str, planning.Work], None], kind: str) -> _Act:
    return lambda deployment, name, work: act(deployment, kind, name, work)


_ACTS: dict[tuple[str, str], _Act] = {
    ("network", "create"): Deployment._create_network,
    ("network", "replace"): Deployment._replace_network,
    ("network", "remove"): Deployment._remove_network,
    ("service", "create"): Deployment._create_service,
    ("service", "update"): Deployment._update_service,
    ("service", "replace"): Deployment._replace_service,
    ("service", "remove"): _for_kind(Deployment._remove, "service"),
    **{(kind, "create"): _for_kind(Deployment._create_data, kind) for kind in ("secret", "config")},
    **{(kind, "update"): _for_kind(Deployment._update_data, kind) for kind in ("secret", "config")},
    **{(kind, "remove"): _for_kind(Deployment._remove, kind) for kind in ("secret", "config")},
}

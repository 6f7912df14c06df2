# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame around every module: observe, plan, apply, watch."""

from __future__ import annotations

import os
import traceback
import typing as t
from dataclasses import replace

from ansible.module_utils.basic import AnsibleModule

from ._io.target import Target, engine_target
from .errors import FlotillaError, with_account
from .masking import mask, show_options
from .plan import SIGNS, Change, Plan
from .redact import redact_text

Params = dict[str, t.Any]


_LOGGED = 20


class Module(AnsibleModule):
    """Tells no secret, at any verbosity: neither in its result nor in the log of the host.

    Ansible returns and logs every option as it was given, and takes each value of an option with ``no_log`` out of every text and
    number. So an environment would be shown, and a secret of one digit would spoil the whole result.
    """

    _secrets: t.Collection[str] = ()

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self._secrets = list(self.no_log_values)
        self.no_log_values.clear()

    def log(self, msg: str, log_args: dict[str, t.Any] | None = None) -> None:
        if log_args is not None:
            log_args = show_options(self.argument_spec, self.params)
            msg = " ".join(["Invoked with", *(f"{name}={value}" for name, value in log_args.items())])
        super().log(self._mask(redact_text(msg)), log_args)

    def warn(self, warning: str, **more: t.Any) -> None:
        super().warn(self._mask(redact_text(warning)), **more)

    def exit_json(self, **kwargs: t.Any) -> None:
        super().exit_json(**self._told(kwargs))

    def fail_json(self, msg: str, **kwargs: t.Any) -> None:
        super().fail_json(self._mask(redact_text(str(msg))), **self._told(kwargs))

    def _told(self, result: dict[str, t.Any]) -> dict[str, t.Any]:
        # The session is for the next call of this module, which has to find it as it was.
        session = {name: value for name, value in result.items() if name == "session"}
        return {**self._mask(result), **session, "invocation": {"module_args": show_options(self.argument_spec, self.params)}}

    def _mask(self, value: t.Any) -> t.Any:
        return mask(value, self._secrets or self.no_log_values)


def run_module(
    arguments: dict[str, t.Any],
    observe: t.Callable[[t.Any, Params], t.Any],
    plan: t.Callable[[t.Any, Params], Plan],
    apply: t.Callable[[t.Any, Change, t.Any], t.Mapping[str, t.Any] | None] | None = None,
    watch: t.Callable[[t.Any, Params, Plan, t.Any], t.Mapping[str, t.Any] | None] | None = None,
    target: Target = engine_target,
    give_up: t.Callable[[t.Any, Params, FlotillaError], FlotillaError] = lambda _target, _params, error: error,
    **constraints: t.Any,
) -> None:
    """Run a module to its end: it exits with ``changed``, ``plan``, ``diff``, and what plan, apply and watch returned.

    ``observe(target, params)`` reads; ``plan(observed, params)`` decides and is pure; ``apply(target, change, observed)`` does one change;
    ``watch(target, params, plan, observed)`` waits for the verdict and raises FlotillaError when it is bad. Check mode ends after plan.
    ``give_up(target, params, error)`` makes of an error what is told.
    ``constraints`` go to AnsibleModule (``required_if`` and its like).
    """
    module = Module({**target.arguments, **arguments}, supports_check_mode=True, **constraints)
    params: Params = module.params
    decided = Plan()
    place: t.Any = None
    applied: list[Change] = []
    try:
        place = target.open(module)
        observed = observe(place, params)
        decided = replace(plan(observed, params), shown=params.get("show_environment") or ())
        for warning in decided.warnings:
            module.warn(warning)
        result = dict(decided.result)
        if not module.check_mode:
            for change in decided.changes:
                result.update((apply(place, change, observed) if apply else None) or {})
                applied.append(change)
            result.update((watch(place, params, decided, observed) if watch else None) or {})
            for warning in result.pop("warnings", ()):
                module.warn(warning)
    except FlotillaError as failure:
        error = failure if place is None else give_up(place, params, failure)
        _log(module, decided, f"failed after {len(applied)} of these")
        message = _message(error, applied) if apply else str(error)
        module.fail_json(**{**_account(decided, applied), **error.result, "msg": message})
    except Exception as error:
        _log(module, decided, f"failed after {len(applied)} of these")
        module.fail_json(msg=_defect(error), **_account(decided, applied))
    _log(module, decided, "goes on" if result.get("pending") else "done")
    module.exit_json(**decided.as_result(result))


def _log(module: AnsibleModule, decided: Plan, end: str) -> None:
    """An entry in the log of the host: who changed what, and how it ended. Without values, which may be secrets."""
    if module.check_mode or not decided.changes:
        return
    shown = [f"{SIGNS[change.action]} {change.kind} {change.name}" for change in decided.changes[:_LOGGED]]
    more = len(decided.changes) - len(shown)
    who = (module.params.get("session") or {}).get("holder") or "a playbook"
    plan_id = decided.result.get("plan_id")
    what = ", ".join([*shown, *([f"{more} more"] if more else [])])
    module.log(f"{who}{f' by plan {plan_id}' if plan_id else ''}: {what}: {end}")


def _message(error: FlotillaError, applied: t.Sequence[Change]) -> str:
    return with_account(error, [f"{change.kind} {change.name}" for change in applied])


def _account(decided: Plan, applied: list[Change]) -> dict[str, t.Any]:
    """What a failed run had planned and what of that it had done."""
    return {
        "changed": bool(applied),
        "plan": decided.as_results(),
        "applied": [change.as_result(decided.shown) for change in applied],
    }


def _defect(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "ansible_collections/flotilla" in frame.filename] or frames
    where = f"{os.path.basename(ours[-1].filename)}:{ours[-1].lineno}"
    return f"A defect in flotilla.swarm at {where}: {type(error).__name__}. Please report it with the task that hit it."

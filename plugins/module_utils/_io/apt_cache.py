# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What apt would do, asked of its own library: the module ansible.builtin.apt tells it in the text of apt-get only."""

from __future__ import annotations

import fnmatch
import typing as t
from urllib.parse import urlsplit

from ..errors import FlotillaError


class Unavailable(FlotillaError):
    """A package, or a version of it, that cannot be installed."""


class AptCache:
    """Reads the package lists and the state of dpkg once, and changes nothing."""

    def __init__(self) -> None:
        try:
            import apt_pkg
        except ImportError:
            raise FlotillaError("The Python of this host has no module apt_pkg", "Install python3-apt.") from None
        apt_pkg.init()
        self._apt = apt_pkg
        self._cache = apt_pkg.Cache(None)

    def sources(self) -> list[str]:
        """The addresses from which packages come; that of a proxy where one leads there."""
        found = self._apt.SourceList()
        found.read_main_list()
        addresses = {source.uri for source in found.list}
        return sorted({self._proxy(address) or address for address in addresses})

    def _proxy(self, address: str) -> str:
        """As apt.conf names one: of the host, or else of the scheme."""
        place = urlsplit(address)
        name = f"Acquire::{place.scheme}::Proxy"
        proxy = self._apt.config.find(f"{name}::{place.hostname or ''}") or self._apt.config.find(name)
        return "" if proxy == "DIRECT" else str(proxy)

    def install(self, wanted: t.Iterable[str], newest: bool) -> list[dict[str, str]]:
        """What would change for ``wanted``, each a name or ``name=version``, the version perhaps with wildcards.

        What is there without a version named stays as it is, or becomes the ``newest``.
        """
        depcache = self._apt.DepCache(self._cache)
        chosen = []
        for each in wanted:
            name, _separator, pattern = each.partition("=")
            package, version = self._choose(depcache, name, pattern)
            whole = package.current_state == self._apt.CURSTATE_INSTALLED
            if whole and (package.current_ver.ver_str == version.ver_str or not (pattern or newest)):
                continue
            depcache.set_candidate_ver(package, version)
            depcache.mark_install(package)
            chosen.append(package)
        self._resolve(depcache, chosen)
        return self._changes(depcache)

    def upgrade(self) -> list[dict[str, str]]:
        """What would change by an upgrade of the whole system, as apt-get dist-upgrade does it."""
        depcache = self._apt.DepCache(self._cache)
        try:
            depcache.upgrade(True)
        except self._apt.Error as error:
            raise Unavailable(str(error)) from None
        return self._changes(depcache)

    def _choose(self, depcache: t.Any, name: str, pattern: str) -> tuple[t.Any, t.Any]:
        """Of the versions that match it is the newest, which comes first."""
        try:
            package = self._cache[name]
        except KeyError:
            raise Unavailable(f"apt has no package {name}") from None
        if not pattern:
            found = depcache.get_candidate_ver(package)
        else:
            found = next((version for version in package.version_list if fnmatch.fnmatchcase(version.ver_str, pattern)), None)
        if not found:
            raise Unavailable(f"apt has no {f'version {pattern} of the ' if pattern else ''}package {name}")
        return package, found

    def _resolve(self, depcache: t.Any, chosen: list[t.Any]) -> None:
        """Find what else has to change; the chosen ones are what was asked for, and stay so."""
        if depcache.broken_count:
            resolver = self._apt.ProblemResolver(depcache)
            for package in chosen:
                resolver.clear(package)
                resolver.protect(package)
            try:
                resolver.resolve(True)
            except self._apt.Error as error:
                raise Unavailable(str(error)) from None
        kept = [package.name for package in chosen if depcache.marked_keep(package)]
        if kept:
            raise Unavailable(f"apt finds no packages that {' and '.join(kept)} would need")

    def _changes(self, depcache: t.Any) -> list[dict[str, str]]:
        found = []
        for package in self._cache.packages:
            before = package.current_ver.ver_str if package.current_ver else ""
            if depcache.marked_delete(package):
                found.append({"name": package.name, "action": "remove", "before": before, "after": ""})
            elif not depcache.marked_keep(package):
                after = depcache.get_candidate_ver(package).ver_str
                found.append({"name": package.name, "action": self._action(before, after), "before": before, "after": after})
            elif self._is_unfinished(package):
                found.append({"name": package.name, "action": "configure", "before": before, "after": before})
        return sorted(found, key=lambda change: change["name"])

    def _action(self, before: str, after: str) -> str:
        order = self._apt.version_compare(after, before) if before else 0
        return "install" if not before else "upgrade" if order > 0 else "downgrade" if order < 0 else "configure"

    def _is_unfinished(self, package: t.Any) -> bool:
        """An installation that was broken off is finished by whatever apt does next."""
        apt = self._apt
        return package.current_state in (apt.CURSTATE_UNPACKED, apt.CURSTATE_HALF_CONFIGURED, apt.CURSTATE_HALF_INSTALLED)

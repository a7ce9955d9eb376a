"""APIs that others documented, as doors of ours: whoever speaks one changes its base URL and its key.

Each is an application of its own below its prefix, with its own errors and its own document
(`/<name>/openapi.json`), and translates to the same use cases as `/v1`.
"""

from __future__ import annotations

import re
from types import ModuleType

from fastapi import FastAPI
from starlette.routing import Mount

from messaging.api.desk import Desk
from messaging.api.facades import document, leadping, leadsail, liguelead, unified, usecase
from messaging.api.facades.facade import build
from messaging.api.facades.waiting import Watch

_FACADES: tuple[ModuleType, ...] = (leadsail, leadping, liguelead, unified, usecase)


def mount(app: FastAPI, desk: Desk) -> None:
    """Mount every facade below its name."""
    watch = Watch(desk.rt)
    for module in _FACADES:
        facade = build(desk, watch, module)
        document.describe(facade, module)
        below = Mount("/" + module.__name__.rpartition(".")[2], facade)
        below.path_regex = re.compile(below.path_regex.pattern, re.DOTALL)  # a path may hold %0A
        app.router.routes.append(below)

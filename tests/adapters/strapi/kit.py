"""Strapi's answers, as it gives them."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from syncd.adapters.credit import Times
from tests.adapters.answering import NOW, post

ID = "bmrr1brm7ljepmyfkszg1l3i"
TIMES = Times(ZoneInfo("Asia/Shanghai"), NOW)
OPTIONS: dict[str, Any] = {
    "api_url": "https://cms.county.example", "token": "secret", "collection": "policies", "column_field": "category",
    "fields": {"document_number": "document_number"}, "page": "/policies/{id}", "summary_field": "summary",
    "files_field": "files",
}


def entry(**changes: Any) -> dict[str, Any]:
    return {
        "id": 2, "documentId": ID, "external_id": post().key, "title": "标题", "body": "<p>正文</p>", "summary": None,
        "category": "要闻", "document_number": None, "createdAt": "2026-11-26T21:28:28.626Z", "files": [],
    } | changes


def found(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"data": list(entries), "meta": {}}


def refused(status: int, name: str, message: str, field: str = "") -> dict[str, Any]:
    details = {"errors": [{"path": [field], "message": message, "name": name}]} if field else {}
    return {"data": None, "error": {"status": status, "name": name, "message": message, "details": details}}

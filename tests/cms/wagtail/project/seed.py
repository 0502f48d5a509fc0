"""The columns and the accounts, each with no more rights than its work needs; what a test must know goes into told.json."""

import json
import os
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "county.settings")
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.contrib.auth.models import Group, Permission  # noqa: E402
from news.models import IndexPage  # noqa: E402
from wagtail.models import APIToken, Collection, GroupCollectionPermission, GroupPagePermission, Page  # noqa: E402

PAGES = ("add_page", "change_page", "publish_page")
FILES = ("add_image", "add_document")


def allow(group: Group, page: Page, pages: tuple[str, ...], files: tuple[str, ...]) -> None:
    for name in pages:
        right = Permission.objects.get(content_type__app_label="wagtailcore", codename=name)
        GroupPagePermission.objects.create(group=group, page=page, permission=right)
    for name in files:
        right = Permission.objects.get(codename=name, content_type__app_label__in=("wagtailimages", "wagtaildocs"))
        GroupCollectionPermission.objects.create(group=group, collection=Collection.get_first_root_node(), permission=right)


def account(name: str, group: Group | None) -> str:
    user = get_user_model().objects.create_user(name, f"{name}@county.example", "not used")
    if group is not None:
        user.groups.add(group)
    made = APIToken.create_token(user=user, name=name)
    return str(made[1] if isinstance(made, tuple) else made)


home = Page.objects.get(depth=2)
disclosure = home.add_child(instance=IndexPage(title="信息公开", slug="xxgk"))
for title, slug in (("要闻", "yaowen"), ("测试", "ceshi")):
    disclosure.add_child(instance=IndexPage(title=title, slug=slug))
reposts, editors = Group.objects.create(name="syncd"), Group.objects.create(name="county editors")
allow(reposts, disclosure, PAGES, FILES)
allow(editors, disclosure, PAGES, FILES)
tokens = {"syncd": account("syncd", reposts), "editor": account("editor", editors), "viewer": account("viewer", None)}
Path("told.json").write_text(json.dumps({"parent": disclosure.pk, "tokens": tokens}))

"""What a Wagtail 8 site adds for syncd: a unique key on its pages, and conditions on writes that the server itself holds.

Put this file beside manage.py, then (docs/adapters/wagtail.md of syncd has the whole of it):

    class NewsPage(SyncdMixin, Page): ...             # models.py; then makemigrations and migrate
    MIDDLEWARE = [..., "syncd_wagtail.IfMatch"]       # settings.py, as the last one
"""

from django.db import models, router, transaction
from django.http import HttpResponse
from django.urls import Resolver404, resolve
from wagtail.api import APIField
from wagtail.models import Page

VERSION = 1
ANNOUNCES = "X-Syncd-Conditions"
SAFE = ("GET", "HEAD", "OPTIONS")
_ETAG = ("latest_revision_id", "latest_revision__created_at", "live_revision_id", "live")
_PROBLEM = (
    '{"type": "about:blank", "title": "Precondition Failed", "status": 412, "detail": "The page was changed meanwhile"}'
)


class SyncdMixin(models.Model):
    """Before Page in the list of base classes. syncd_key: whose repost the page is; the database allows each key once."""

    syncd_key = models.CharField(max_length=200, unique=True, null=True, blank=True)
    syncd_files = models.TextField(blank=True, default="")

    exclude_fields_in_copy = ["syncd_key", "syncd_files"]
    api_fields = [APIField("syncd_key", writable=True), APIField("syncd_files", writable=True), APIField("syncd_page")]

    class Meta:
        abstract = True

    @property
    def syncd_page(self):
        """What the API does not tell by itself, as the database has it now: a page just published does not know that yet."""
        fields = (*_ETAG, "latest_revision__user_id", "first_published_at")
        found = Page.objects.filter(pk=self.pk).values_list(*fields).first()
        if found is None:
            return None
        revision, saved, shown, live, editor, first = found
        return {
            "etag": etag_of(revision, saved, shown, live),
            "live": live,
            "pending": bool(live and revision and shown and shown != revision),
            "editor": None if editor is None else str(editor),
            "first": first and first.isoformat(),
        }


def etag_of(revision, saved, shown, live):
    """A page's version: it changes with every save, also with one into the same revision, and with what is public."""
    return f'"{revision or 0}.{saved and saved.isoformat()}.{shown or 0}.{int(live)}"'


class IfMatch:
    """A write to a page with If-Match is done only while the page has that version: its row is locked until it is done."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        page_id = _page_of(request.path_info)
        wanted = request.headers.get("If-Match")
        if page_id is None:
            return self.get_response(request)
        if wanted and request.method not in SAFE and "Authorization" in request.headers:
            response, held = self._guarded(request, page_id, wanted), "held"
        else:
            response, held = self.get_response(request), "none"
        response[ANNOUNCES] = f"{VERSION} {held}"
        return response

    def _guarded(self, request, page_id, wanted):
        with transaction.atomic(using=router.db_for_write(Page)):
            if wanted != _etag(page_id):
                return HttpResponse(_PROBLEM, status=412, content_type="application/problem+json")
            response = self.get_response(request)
            if response.status_code >= 400:
                transaction.set_rollback(True, using=router.db_for_write(Page))
            return response


def _etag(page_id):
    """The version of the page as the database has it now, for nobody else to change; None if there is no such page."""
    page = Page.objects.select_for_update(of=("self",)).filter(pk=page_id).values_list(*_ETAG).first()
    return page and etag_of(*page)


def _page_of(path):
    """The page's number, if this is an address of the pages' API."""
    try:
        found = resolve(path)
    except Resolver404:
        return None
    return found.kwargs.get("page_id") if "wagtailapi_v3" in found.namespaces else None

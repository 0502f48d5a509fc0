from django.db import models
from syncd_wagtail import SyncdMixin
from wagtail import blocks
from wagtail.admin.panels import FieldPanel
from wagtail.api import APIField
from wagtail.fields import RichTextField, StreamField
from wagtail.models import Page


class IndexPage(Page):
    """A column."""


class NewsPage(SyncdMixin, Page):
    body = StreamField([("html", blocks.RawHTMLBlock()), ("paragraph", blocks.RichTextBlock())], blank=True)
    source_url = models.URLField(max_length=1000, blank=True)
    published = models.DateField(null=True, blank=True)

    content_panels = [*Page.content_panels, FieldPanel("body"), FieldPanel("source_url"), FieldPanel("published")]
    api_fields = [*SyncdMixin.api_fields, *(APIField(name, writable=True) for name in ("body", "source_url", "published"))]


class RichPage(SyncdMixin, Page):
    """A page with Wagtail's own editor for texts, which keeps no table."""

    body = RichTextField(blank=True)

    content_panels = [*Page.content_panels, FieldPanel("body")]
    api_fields = [*SyncdMixin.api_fields, APIField("body", writable=True)]

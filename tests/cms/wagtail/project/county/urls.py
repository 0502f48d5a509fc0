from django.conf import settings
from django.urls import include, path, re_path
from django.views.static import serve
from wagtail import urls
from wagtail.admin import urls as admin_urls
from wagtail.api.v3.urls import api
from wagtail.documents import urls as documents_urls

urlpatterns = [
    path("admin/", include(admin_urls)),
    path("documents/", include(documents_urls)),
    path("api/v3/", api.urls),
    re_path(r"^media/(?P<path>.*)$", serve, {"document_root": settings.MEDIA_ROOT}),
    path("", include(urls)),
]

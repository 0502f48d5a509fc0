"""The templates and the style sheet of a static site; plain text, so that they need no package data."""

STYLE = """
:root{--ink:#1f2329;--soft:#5f6b7a;--line:#e3e7ee;--brand:#b3212c;--link:#1a4f9c;--paper:#fff;--ground:#f5f6f8}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);line-height:1.75;overflow-wrap:anywhere;
font-family:"PingFang SC","Hiragino Sans GB","Microsoft YaHei","Noto Sans CJK SC","Source Han Sans SC",
system-ui,sans-serif}
a{color:var(--link);text-decoration:none}a:hover,a:focus{text-decoration:underline}
.skip{position:absolute;left:-999em}.skip:focus{left:1em;top:1em;background:var(--paper);padding:.5em}
.top{background:var(--brand);color:#fff}.top a{color:#fff}
.wrap{max-width:60rem;margin:0 auto;padding:0 1.25rem}
.top .wrap{display:flex;flex-wrap:wrap;align-items:baseline;gap:.25rem 1rem;padding-top:1rem;padding-bottom:1rem}
.name{font-size:1.35rem;font-weight:600}
.path{color:var(--soft);font-size:.9rem;margin:1rem 0}
.card{background:var(--paper);border:1px solid var(--line);border-radius:6px;
padding:1.5rem clamp(1rem,4vw,3rem);margin:0 0 1.5rem}
h1{font-size:clamp(1.3rem,4.5vw,1.75rem);line-height:1.5;text-align:center;margin:.5rem 0 1rem}
h2{font-size:1.15rem;border-left:4px solid var(--brand);padding-left:.6rem;margin:.25rem 0 1rem}
.credit{display:flex;flex-wrap:wrap;justify-content:center;gap:.25rem 1.5rem;color:var(--soft);font-size:.9rem;
border-bottom:1px solid var(--line);padding-bottom:1rem;margin-bottom:1.25rem}
.fields{width:100%;border-collapse:collapse;font-size:.92rem;margin:0 0 1.5rem;background:var(--ground)}
.fields th,.fields td{border:1px solid var(--line);padding:.4rem .75rem;text-align:left;vertical-align:top}
.fields th{white-space:nowrap;color:var(--soft);font-weight:500;width:1%}
.text{font-size:1.06rem}.text p{margin:0 0 1em}.text img{max-width:100%;height:auto}
.text table{border-collapse:collapse;max-width:100%;display:block;overflow-x:auto}
.text td,.text th{border:1px solid #c9cfd8;padding:.3rem .6rem}
.text blockquote{margin:1em 0;padding:.1em 1em;border-left:3px solid var(--line);color:var(--soft)}
.files{border-top:1px solid var(--line);margin-top:1.5rem;padding-top:1rem}
.files ul,.rows{list-style:none;padding:0;margin:0}
.files small,.rows small{color:var(--soft)}
.rows li{display:flex;justify-content:space-between;gap:1rem;padding:.55rem 0;border-bottom:1px dashed var(--line)}
.rows li:last-child{border-bottom:0}.rows time{color:var(--soft);white-space:nowrap;font-size:.9rem}
.months{display:flex;flex-wrap:wrap;gap:.35rem .9rem}
.notice{border-left:4px solid var(--brand);background:#fdf3f3;padding:1rem 1.25rem}
.foot{color:var(--soft);font-size:.85rem;padding:0 0 2rem;text-align:center}
@media(max-width:34rem){.rows li{flex-direction:column;gap:0}
.card{border-radius:0;border-width:1px 0;margin-left:-1.25rem;margin-right:-1.25rem}}
@media print{body{background:#fff}.top,.path,.foot,.files,.skip{display:none}.card{border:0;padding:0}
.text{font-family:"FangSong","STFangsong","Noto Serif CJK SC",serif}a{color:inherit}}
"""

_BASE = """<!DOCTYPE html>
<html lang="{{ 'zh-CN' if lang == 'zh' else 'en' }}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{ policy }}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="strict-origin-when-cross-origin">
{% block head %}{% endblock %}
<meta name="SiteName" content="{{ site.name }}">
<meta name="SiteDomain" content="{{ site.domain }}">
<meta name="SiteIDCode" content="{{ site.id }}">
<link rel="alternate" type="application/atom+xml" title="{{ site.name }}" href="{{ root }}feed.xml">
<link rel="alternate" type="application/feed+json" title="{{ site.name }}" href="{{ root }}feed.json">
<style>{{ style }}</style>
</head>
<body>
<a class="skip" href="#main">{{ words.skip }}</a>
<header class="top"><div class="wrap"><a class="name" href="{{ root }}index.html">{{ site.name }}</a></div></header>
<main class="wrap" id="main">
{% block main %}{% endblock %}
</main>
<footer class="wrap foot">{{ site.name }}{% if site.id %} · 网站标识码 {{ site.id }}{% endif %}
 · <a href="{{ root }}feed.xml">Atom</a> · <a href="{{ root }}feed.json">JSON Feed</a></footer>
</body>
</html>
"""

_CRUMBS = """<nav class="path"><a href="{{ root }}index.html">{{ words.home }}</a> &gt;
<a href="{{ column_url }}">{{ post.column }}</a></nav>
"""

_POST = """{% extends "base.html" %}
{% block head %}
<title>{{ post.title }} - {{ site.name }}</title>
<meta name="ColumnName" content="{{ post.column }}">
<meta name="ColumnType" content="{{ '政策文件' if lang == 'zh' else 'Policy documents' }}">
<meta name="ArticleTitle" content="{{ post.title }}">
<meta name="PubDate" content="{{ post.time }}:00">
<meta name="ContentSource" content="{{ post.origin }}">
<meta name="Keywords" content="{{ post.keywords }}">
<meta name="Author" content="{{ post.issuer }}">
<meta name="Description" content="{{ post.summary or post.title }}">
<meta name="Url" content="{{ url }}">
<meta name="syncd-key" content="{{ post.key }}">
<meta name="syncd-revision" content="{{ post.revision }}">
<link rel="canonical" href="{{ url }}">
{% endblock %}
{% block main %}
{% include "crumbs.html" %}
<article class="card">
<h1>{{ post.title }}</h1>
<div class="credit"><span>{{ words.time }}：<time datetime="{{ post.first }}">{{ post.time }}</time></span>
{% if post.updated %}<span>{{ words.updated }}：{{ post.updated }}</span>{% endif %}
{% if post.origin %}<span>{{ words.source }}：{{ post.origin }}</span>{% endif %}
{% if post.source_url %}<a href="{{ post.source_url }}" rel="noopener">{{ words.original }}</a>{% endif %}</div>
{% if post.fields %}
<table class="fields"><tbody>
{% for label, value in post.fields %}<tr><th scope="row">{{ words[label] }}</th><td>{{ value }}</td></tr>
{% endfor %}
</tbody></table>
{% endif %}
<div class="text" id="text">{{ body }}</div>
{% if post.files %}
<section class="files"><h2>{{ words.files }}</h2><ul>
{% for file in post.files %}
<li><a href="{{ file.local }}" download>{{ file.title or file.name }}</a>
 <small>{{ file.name.rpartition('.')[2]|upper }}, {{ file.size|size }}</small></li>
{% endfor %}
</ul></section>
{% endif %}
</article>
<p class="foot">{{ words.print }}</p>
{% endblock %}
"""

_NOTICE = """{% extends "base.html" %}
{% block head %}
<title>{{ words.withdrawn }}：{{ post.title }} - {{ site.name }}</title>
<meta name="robots" content="noindex">
<meta name="syncd-key" content="{{ post.key }}">
{% endblock %}
{% block main %}
{% include "crumbs.html" %}
<article class="card">
<h1>{{ post.title }}</h1>
<div class="text notice" id="text"><p><strong>{{ words.withdrawn }}</strong></p><p>{{ words.notice }}</p>
<p>{{ words.since }}：{{ since }}</p></div>
{% if post.source_url %}<p><a href="{{ post.source_url }}" rel="noopener">{{ words.original }}</a></p>{% endif %}
</article>
{% endblock %}
"""

_ROWS = """{% if rows %}<ul class="rows">
{% for row in rows %}
<li><span><a href="{{ root }}{{ row.path }}">{{ row.title }}</a>
{% if row.number %}<small>{{ row.number }}</small>{% endif %}</span>
<time datetime="{{ row.first }}">{{ row.time }}</time></li>
{% endfor %}
</ul>{% else %}<p>{{ words.none }}</p>{% endif %}
"""

_COLUMN = """{% extends "base.html" %}
{% block head %}
<title>{{ column }}{{ ' ' ~ month if month else '' }} - {{ site.name }}</title>
<meta name="ColumnName" content="{{ column }}">
{% endblock %}
{% block main %}
<nav class="path"><a href="{{ root }}index.html">{{ words.home }}</a> &gt;
 {% if month %}<a href="../index.html">{{ column }}</a> &gt; {{ month }}{% else %}{{ column }}{% endif %}</nav>
<section class="card"><h1>{{ column }}</h1>
{% include "rows.html" %}
</section>
{% if months %}
<nav class="card"><h2>{{ words.archive }}</h2><div class="months">
{% for each in months %}<a href="{{ '../' if month else '' }}{{ each }}/index.html">{{ each }}</a>
{% endfor %}
</div></nav>
{% endif %}
{% endblock %}
"""

_INDEX = """{% extends "base.html" %}
{% block head %}<title>{{ site.name }}</title>{% endblock %}
{% block main %}
<h1>{{ words.latest }}</h1>
{% for each in columns %}
<section class="card"><h2><a href="{{ each.slug }}/index.html">{{ each.name }}</a></h2>
{% with rows = each.rows %}{% include "rows.html" %}{% endwith %}
<p><a href="{{ each.slug }}/index.html">{{ words.more }}</a></p></section>
{% else %}<p>{{ words.none }}</p>{% endfor %}
{% endblock %}
"""

_FEED = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{{ 'zh-CN' if site.lang == 'zh' else 'en' }}">
<id>{{ site.base }}/{{ path }}</id>
<title>{{ title }}</title>
<updated>{{ (posts|map(attribute='changed')|max) if posts else '1970-01-01T00:00:00+00:00' }}</updated>
<author><name>{{ site.name }}</name></author>
<link rel="self" type="application/atom+xml" href="{{ site.base }}/{{ path }}feed.xml"/>
<link rel="alternate" type="text/html" href="{{ site.base }}/{{ path }}"/>
{% for post in posts %}
<entry>
<id>{{ post.url }}</id>
<title>{{ post.title }}</title>
<link rel="alternate" type="text/html" href="{{ post.url }}"/>
{% if post.source_url %}<link rel="via" href="{{ post.source_url }}"/>{% endif %}
{% for file in post.files %}
<link rel="enclosure" type="{{ file.type }}" length="{{ file.size }}" title="{{ file.title }}" href="{{ file.url }}"/>
{% endfor %}
<published>{{ post.first }}</published>
<updated>{{ post.changed }}</updated>
{% if post.issuer %}<author><name>{{ post.issuer }}</name></author>{% endif %}
{% for word in post.categories %}<category term="{{ word }}"/>{% endfor %}
{% if post.summary %}<summary>{{ post.summary }}</summary>{% endif %}
<content type="html">{{ post.html }}</content>
</entry>
{% endfor %}
</feed>
"""

TEMPLATES = {
    "base.html": _BASE, "crumbs.html": _CRUMBS, "post.html": _POST, "notice.html": _NOTICE, "rows.html": _ROWS,
    "column.html": _COLUMN, "index.html": _INDEX, "feed.xml": _FEED,
}

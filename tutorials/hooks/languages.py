"""Lays the pages out in each other language, too: under its own folder, with its own navigation and its own search.

The pages are not run again, and what does not differ is not copied: code, outputs, pictures, scripts, models and the
reference are those of the English site, to which the addresses lead.
"""

import json
import logging
import posixpath
import re
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import jieba
import translation
from catalogs import LANGUAGES, glossary
from live import DRAWN
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, InclusionLevel
from mkdocs.structure.nav import Link
from translation import ENGLISH, folder_of, say

from zoo.stages import REGISTRY

ENGLISH_ALONE = "reference/"  # comes from docstrings
NAMES = {ENGLISH: "English", "zh": "中文"}
ADDRESS = re.compile(r'((?:href|src)="|"search": ?")([\w.][\w./-]*)')  # of pages and files, and of the search's program
OTHER = "other-language:"  # before an address from the root of all languages

jieba.setLogLevel(logging.WARNING)


@event_priority(-100)  # when the search has written its index: MkDocs gives one search to both builds
def on_post_build(config):
    """Builds the site of each other language, after the English one."""
    if translation.current != ENGLISH:
        return
    for language in LANGUAGES:
        same = {name: config[name] for name in ("strict", "remote_branch", "use_directory_urls")}
        address = config.site_url and urljoin(config.site_url, folder_of(language))
        folder = Path(config.site_dir, language)
        other = load_config(config.config_file_path, site_dir=str(folder), site_url=address, **same)
        other.theme["language"] = language
        other.theme.static_templates.clear()  # the English page of an error and map of the site are those of all
        other.plugins["mkdocstrings"].config.enabled = False
        with translation.speaking(language):
            build(other)


@event_priority(-100)  # after models.py, which knows the titles in English
def on_config(config):
    """Says in the language of the build what MkDocs takes from its configuration."""
    translation.catalog.cache_clear()
    glossary.cache_clear()
    if translation.current != ENGLISH:
        config.nav = [entry for entry in titles(config.nav) if not mentions(entry, ENGLISH_ALONE)]
        config.site_name, config.site_description = say(config.site_name), say(config.site_description)
        for palette in config.theme["palette"]:
            palette["toggle"]["name"] = say(palette["toggle"]["name"])
        for words in glossary().values():
            for word in words:
                jieba.add_word(word)
    return config


def titles(navigation):
    """The navigation with translated titles."""
    if isinstance(navigation, list):
        return [titles(entry) for entry in navigation]
    if isinstance(navigation, dict):
        return {say(title): titles(entry) for title, entry in navigation.items()}
    return navigation


def mentions(navigation, path):
    """Whether an entry of the navigation leads to pages below a path."""
    return f"'{path}" in repr(navigation)


def on_files(files, config):
    """Leaves out what is there in English alone, and adds what the scripts say."""
    if translation.current == ENGLISH:
        return files
    for file in files:
        if file.src_uri.startswith(ENGLISH_ALONE):
            file.inclusion = InclusionLevel.EXCLUDED
    examples = {f"drawn pet {number}": say("drawn pet {number}", number=number) for number in range(1, 1 + len(DRAWN))}
    does = {stage.does: say(stage.does) for stage in REGISTRY}
    words = {**translation.catalog(translation.current, "scripts"), **does, **examples}
    files.append(File.generated(config, "assets/words.json", content=json.dumps(words, ensure_ascii=False)))
    return files


def on_nav(nav, config, files):
    """Leads to the English reference."""
    if translation.current != ENGLISH:
        nav.items.append(Link(say("Reference"), f"{ENGLISH_ALONE}zoo/"))
    return nav


@event_priority(100)  # before hooks that put their own texts into the pages
def on_page_markdown(markdown, page, config, files):
    """Translates a page that is written as Markdown; those that are generated come translated."""
    if page.file.generated_by or page.file.src_uri.startswith(ENGLISH_ALONE):
        return markdown
    if "title" in page.meta:
        page.meta["title"] = say(page.meta["title"], name_of(page))
    return translation.translate(markdown, name_of(page))


def name_of(page):
    return page.file.src_uri.removesuffix(".md")


def on_env(env, config, files):
    """Takes from the files of another language what the English site has."""
    if translation.current != ENGLISH:
        english = Path(config.site_dir).parent
        for file in list(files):
            same = not file.is_documentation_page() and not file.dest_uri.endswith(".ipynb")
            if same and (english / file.dest_uri).exists():
                files.remove(file)
        config.extra["own"] = {file.dest_uri for file in files if not file.inclusion.is_excluded()}
    return env


def on_page_context(context, page, config, nav):
    """Offers the same page in the other languages."""
    offer(page.url, config, everywhere=not page.url.startswith(ENGLISH_ALONE))
    return context


def on_template_context(context, template_name, config):
    """What the page of an error and the map of the site need, in which all languages stand."""
    offer("", config, everywhere=True)
    context["addresses"] = lambda page: addresses(page, config)
    context["lost"] = [in_words(language) for language in (ENGLISH, *LANGUAGES)]
    return context


def addresses(page, config):
    """An English page in each language, as absolute addresses."""
    languages = [ENGLISH] if page.url.startswith(ENGLISH_ALONE) else [ENGLISH, *LANGUAGES]
    return {language: urljoin(config.site_url, folder_of(language) + page.url) for language in languages}


def in_words(language):
    """What the page of an error says in a language."""
    with translation.speaking(language):
        return {
            "language": language,
            "title": say("No such page"),
            "sentence": say("The value was put at a place where nothing stood. Look for it with the search above."),
            "home": folder_of(language),
            "begin": say("Begin at the beginning"),
        }


def offer(url, config, everywhere):
    """Sets the languages that there are of a page, by its address in each."""
    languages = [ENGLISH, *LANGUAGES] if everywhere else []
    config.extra["alternate"] = [
        {"name": NAMES[language], "lang": language, "link": OTHER + folder_of(language) + url} for language in languages
    ]


def on_post_page(output, page, config):
    """Leads to the other languages and, from those, to what the English site has."""
    return lead(output, page.url, config)


def on_post_template(output_content, template_name, config):
    """The same in the English page of an error, whose addresses are absolute."""
    return lead(output_content, None, config)


def lead(html, url, config):
    """HTML whose addresses hold.

    Args:
        url: of the page below the folder of its language; `None` where addresses are absolute.
        config: of the site in this language.
    """
    english = translation.current == ENGLISH
    up = urlsplit(config.site_url or "/").path if url is None else "../" * (url.count("/") + (not english))
    html = re.sub(rf'"{OTHER}([^"]*)"', lambda match: f'"{up + match[1] or "./"}"', html)
    # The theme's script, which looks for the exact word, would ask for a map of a site below each of these.
    html = html.replace('<link rel="alternate" ', '<link rel="alternate " ')
    if english:
        return html
    root, own = Path(config.site_dir).parent, config.extra["own"]

    def share(match):
        path = posixpath.normpath(posixpath.join(url, match[2]))
        inside = {path, posixpath.normpath(f"{path}/index.html")}
        there = any((root / one).is_file() for one in inside)
        slash = "/" if match[2].endswith("/") else ""
        return f"{match[1]}{up}{path}{slash}" if there and not inside & own else match[0]

    return ADDRESS.sub(share, html)

"""A drop, local or by SFTP: one package a revision, whole when it is seen; nothing is claimed that nobody said."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from syncd.adapters.drop import folder
from syncd.errors import Conflict, NotApplied, NotFound
from syncd.model import RemoteRef, RemoteState, Wrote
from tests.adapters.drop.importer import Half, Importer, checked
from tests.adapters.drop.kit import FILES, MEDIA, NAME, PDF, POST, Watch, drop, opened, packages, played

DROPS = pytest.mark.parametrize("kind", ["directory", "sftp", "plain"])
PUBLIC, DRAFT, PENDING, WITHDRAWN = RemoteState.PUBLIC, RemoteState.DRAFT, RemoteState.PENDING, RemoteState.WITHDRAWN
FIRST = f"{NAME}-000001"


@DROPS
@played
async def test_a_document_is_one_whole_package_and_nothing_else_lies_there(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as make:
        result = await make().create(POST, PUBLIC)
        assert (result.outcome, result.ref) == (Wrote.CREATED, RemoteRef(NAME, "", "1", PENDING))
        assert packages(tmp_path) == [FIRST]
        told = checked(tmp_path / "packages" / FIRST)
        assert (told["title"], told["action"], told["sequence"]) == (POST.title, "create", "1")
        assert sorted(path.name for path in (tmp_path / "records" / NAME).iterdir()) == ["000001.json"]


@DROPS
@played
async def test_it_is_pending_until_the_importer_says_where_it_stands(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as make:
        adapter = make()
        ref = await drop(adapter)
        before = await adapter.standing(ref)
        assert (before.ref.state, before.ref.url, before.waits) == (PENDING, "", "waiting_for_importer")
        Importer(tmp_path).run()
        after = await adapter.standing(ref)
        assert after.ref == RemoteRef(NAME, "https://www.county.example/p/1.html", "1", PUBLIC)
        assert (after.waits, after.refused) == ("", "")
        assert await adapter.find(POST.key) == after.ref


@DROPS
@played
async def test_a_package_that_was_taken_away_is_still_known_and_its_answer_remembered(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as make:
        ref = await drop(make())
        Importer(tmp_path).run()
        await make().standing(ref)
        for answer in (tmp_path / "ack").iterdir():
            answer.unlink()
        again = make()
        with pytest.raises(Conflict) as refused:
            await drop(again)
        assert refused.value.kind == "exists"
        found = await again.find(POST.key)
        assert found is not None
        assert (found.state, found.url) == (PUBLIC, "https://www.county.example/p/1.html")


@DROPS
@played
async def test_four_creates_at_once_drop_one_package(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as make:
        writers = [make() for _ in range(4)]
        done = await asyncio.gather(*(drop(each) for each in writers), return_exceptions=True)
        good = [each for each in done if isinstance(each, RemoteRef)]
        assert len(good) == len(packages(tmp_path)) == 1, done
        assert all(isinstance(each, Conflict) for each in done if each is not good[0]), done


@DROPS
@played
async def test_a_correction_is_another_package_of_the_key_and_the_same_again_is_none(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as make:
        adapter, importer = make(), Importer(tmp_path)
        ref = await drop(adapter)
        importer.run()
        corrected = replace(POST, html="<p>更正后的正文。</p>", revision=2, media=())
        result = await adapter.update(ref, corrected, PUBLIC, ref.version)
        assert (result.outcome, result.ref.version, result.ref.state) == (Wrote.UPDATED, "2", PENDING)
        assert result.ref.url == "https://www.county.example/p/1.html"
        assert (await adapter.update(result.ref, corrected, PUBLIC, "2")).outcome is Wrote.UNCHANGED
        importer.run()
        assert importer.taken == [(POST.key, 1, "create"), (POST.key, 2, "update")]
        assert importer.pages[POST.key].html == "<p>更正后的正文。</p>"
        assert (await adapter.read(result.ref)).html == "<p>更正后的正文。</p>"


@DROPS
@played
async def test_an_update_of_an_older_version_is_refused(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as make:
        adapter = make()
        ref = await drop(adapter)
        await adapter.update(ref, replace(POST, title="二"), PUBLIC, "1")
        with pytest.raises(Conflict) as refused:
            await adapter.update(ref, replace(POST, title="三"), PUBLIC, "1")
        assert refused.value.kind == "version"
        assert len(packages(tmp_path)) == 2


@DROPS
@played
async def test_a_withdrawal_is_a_package_and_again_is_already(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as make:
        adapter, importer = make(withdraw="notice"), Importer(tmp_path)
        ref = await drop(adapter)
        importer.run()
        gone = await adapter.withdraw(ref, "notice", "1")
        assert (gone.outcome, gone.ref.state, gone.ref.url[-9:]) == (Wrote.WITHDRAWN, WITHDRAWN, "/p/1.html")
        assert (await adapter.withdraw(gone.ref, "notice")).outcome is Wrote.ALREADY
        assert (await adapter.standing(gone.ref)).waits == "waiting_for_importer"
        importer.run()
        assert not (await adapter.standing(gone.ref)).waits
        assert importer.taken[-1] == (POST.key, 2, "withdraw")
        back = await adapter.update(gone.ref, POST, PUBLIC, "2")
        assert (back.outcome, back.ref.version) == (Wrote.UPDATED, "3")


@DROPS
@played
async def test_a_refusal_is_told_in_the_importers_words_and_the_next_package_starts_anew(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as make:
        adapter, importer = make(), Importer(tmp_path, refuses="栏目不存在")
        ref = await drop(adapter)
        importer.run()
        told = await adapter.standing(ref)
        assert (told.refused, "栏目不存在" in told.hint) == ("importer_refused", True)
        assert (await adapter.withdraw(ref, "unpublish")).outcome is Wrote.ALREADY
        importer.refuses = ""
        again = await adapter.update(ref, POST, PUBLIC, "1")
        assert again.outcome is Wrote.UPDATED
        importer.run()
        assert importer.taken == [(POST.key, 1, "create"), (POST.key, 2, "create")]
        assert (await adapter.standing(again.ref)).ref.state is PUBLIC


@DROPS
@played
async def test_silence_beyond_the_limit_needs_a_person_and_a_late_answer_still_counts(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as make:
        watch = Watch()
        adapter = make(watch=watch, ack={"within": "2h"})
        ref = await drop(adapter)
        watch.after(7200)
        assert (await adapter.standing(ref)).waits == "waiting_for_importer"
        watch.after(1)
        told = await adapter.standing(ref)
        assert (told.refused, FIRST in told.hint) == ("not_acknowledged", True)
        report = await adapter.check()
        assert not report.ok
        assert [item.detail for item in report.items if not item.ok] == [f"{FIRST}: not_acknowledged"]
        Importer(tmp_path).run()
        assert (await adapter.standing(ref)).ref.state is PUBLIC
        assert (await adapter.check()).ok


@played
async def test_what_was_never_answered_is_dropped_again_when_asked(tmp_path: Path) -> None:
    async with opened("directory", tmp_path) as make:
        watch = Watch()
        adapter = make(watch=watch)
        ref = await drop(adapter)
        watch.after(8000)
        assert (await adapter.update(ref, POST, PUBLIC, "1")).outcome is Wrote.UPDATED
        assert len(packages(tmp_path)) == 2


@DROPS
@pytest.mark.parametrize("layout", ["folder", "zip"])
@played
async def test_the_flag_file_comes_after_the_whole_package(kind: str, layout: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as make:
        adapter, importer = make(layout=layout, flag=".ok"), Importer(tmp_path, flag=".ok")
        await drop(adapter)
        assert packages(tmp_path) == sorted([f"{FIRST}.ok", FIRST + (".zip" if layout == "zip" else "")])
        assert importer.run() == 1
        assert importer.pages[POST.key].title == POST.title


@played
async def test_a_missing_attachment_drops_nothing_and_leaves_the_number_free(tmp_path: Path) -> None:
    async with opened("directory", tmp_path) as make:
        lost = replace(MEDIA[0], sha256="c" * 64)
        with pytest.raises(NotApplied) as failed:
            await drop(make(), media=(lost,))
        assert failed.value.reason == "blob_missing"
        assert packages(tmp_path) == []
        assert await make().find(POST.key) is None
        assert (await drop(make())).version == "1"


@played
async def test_what_a_crash_left_is_removed_after_a_day_and_not_before(tmp_path: Path) -> None:
    async with opened("directory", tmp_path) as make:
        watch = Watch()
        adapter = make(watch=watch)
        ref = await drop(adapter)
        left = tmp_path / "records" / NAME / "000002-20261130T163000-00ff.stage"
        left.mkdir()
        watch.after(86400)
        ref = (await adapter.update(ref, replace(POST, title="二"), PUBLIC, None)).ref
        assert left.exists()
        watch.after(1)
        await adapter.update(ref, replace(POST, title="三"), PUBLIC, None)
        assert not left.exists()


@played
async def test_a_name_that_somebody_else_has_put_there_is_never_overwritten(tmp_path: Path) -> None:
    async with opened("directory", tmp_path) as make:
        (tmp_path / "packages" / FIRST).mkdir(parents=True)
        (tmp_path / "packages" / FIRST / "theirs").write_text("x")
        with pytest.raises(NotApplied) as failed:
            await drop(make())
        assert failed.value.reason == "name_taken"
        assert [path.name for path in (tmp_path / "packages" / FIRST).iterdir()] == ["theirs"]
        assert await make().find(POST.key) is None


@played
async def test_two_files_of_one_name_in_any_case_and_names_of_devices_get_names_of_their_own(tmp_path: Path) -> None:
    async with opened("directory", tmp_path) as make:
        names = ("A.pdf", "a.PDF", "con.pdf", "附件.pdf", "../x.pdf", "document.json", "x.pdf ")
        media = tuple(replace(MEDIA[0], url=f"https://www.gov.cn/{n}", name=name) for n, name in enumerate(names))
        await drop(make(), media=media, html="<p>正文。</p>")
        lying = sorted(path.name for path in (tmp_path / "packages" / FIRST).iterdir())
        assert len({name.lower() for name in lying}) == len(names) + 2
        assert lying == ["A.pdf", "document.json", *(f"file-{n:03d}.{e}" for n, e in
                         [(2, "PDF"), (3, "pdf"), (4, "pdf"), (5, "pdf"), (6, "json"), (7, "bin")]), "manifest.json"]
        checked(tmp_path / "packages" / FIRST)


@played
async def test_a_key_that_file_systems_would_confuse_gets_a_name_of_its_own(tmp_path: Path) -> None:
    async with opened("directory", tmp_path) as make:
        adapter = make()
        for key in ("key", "KEY", "con", "县"):
            await drop(adapter, key=key)
        names = packages(tmp_path)
        assert len({name.lower() for name in names}) == 4
        assert "con-000001" not in names
        for key in ("key", "KEY", "con", "县"):
            found = await adapter.find(key)
            assert found is not None
            assert (await adapter.read(found)).key == key
        assert [doc.key async for doc in adapter.list("KE")] == ["KEY"]


@played
async def test_a_draft_waits_for_the_editor_and_what_is_public_is_never_made_a_draft(tmp_path: Path) -> None:
    async with opened("directory", tmp_path) as make:
        adapter, importer = make(), Importer(tmp_path)
        ref = await drop(adapter, DRAFT)
        importer.run()
        assert (await adapter.standing(ref)).ref.state is DRAFT
        importer.publish(POST.key)
        assert (await adapter.standing(ref)).ref.state is PUBLIC
        ref = (await adapter.update(ref, replace(POST, title="更正"), DRAFT, "1")).ref
        again = (await adapter.update(ref, replace(POST, title="再更正"), DRAFT, "2")).ref
        assert {checked(path)["state"] for path in (tmp_path / "packages").iterdir()} == {"public"}
        importer.run()
        assert (await adapter.standing(again)).ref.state is PUBLIC


@played
async def test_without_acknowledgements_the_template_says_where_it_stands(tmp_path: Path) -> None:
    async with opened("directory", tmp_path) as make:
        ref = await drop(make(url="zc/{key}.html"))
        assert (ref.state, ref.url) == (PUBLIC, f"https://www.county.example/zc/{POST.key}.html")


@played
async def test_an_answers_number_goes_into_the_template(tmp_path: Path) -> None:
    async with opened("directory", tmp_path) as make:
        adapter = make(ack={}, url="/{column}/t_{id}.shtml", columns={"国务院文件": "gwywj"})
        ref = await drop(adapter)
        assert ref.url == ""
        Importer(tmp_path, tells_url=False).run()
        assert (await adapter.standing(ref)).ref.url == "https://www.county.example/gwywj/t_1.shtml"


@pytest.mark.parametrize("form", ["json", "xml", "text"])
@played
async def test_answers_are_read_in_each_form(form: str, tmp_path: Path) -> None:
    async with opened("directory", tmp_path) as make:
        adapter = make(ack={"format": form, "name": "{key}-{sequence}.ack." + form})
        ref = await drop(adapter)
        Importer(tmp_path, form=form).run()
        assert (await adapter.standing(ref)).ref.url == "https://www.county.example/p/1.html"


@played
async def test_of_answers_with_a_time_in_their_names_the_last_counts(tmp_path: Path) -> None:
    async with opened("directory", tmp_path) as make:
        adapter = make(ack={"name": "{package}_*.json"})
        ref = await drop(adapter)
        (tmp_path / "ack").mkdir()
        (tmp_path / "ack" / f"{FIRST}_20261130.json").write_text('{"result": "accepted"}')
        assert (await adapter.standing(ref)).waits == "accepted_not_published"
        (tmp_path / "ack" / f"{FIRST}_20261201.json").write_text('{"result": "published", "url": "/p/9.html"}')
        assert (await adapter.standing(ref)).ref.url == "https://www.county.example/p/9.html"


@played
async def test_half_an_answer_is_none_and_one_that_stays_so_needs_a_person(tmp_path: Path) -> None:
    async with opened("directory", tmp_path) as make:
        watch = Watch()
        adapter = make(watch=watch)
        ref = await drop(adapter)
        (tmp_path / "ack").mkdir()
        (tmp_path / "ack" / f"{FIRST}.ack.json").write_text('{"result": "publis')
        told = await adapter.standing(ref)
        assert (told.ref.state, told.waits) == (PENDING, "waiting_for_importer")
        watch.after(8000)
        assert (await adapter.standing(ref)).refused == "answer_not_understood"


@played
async def test_an_answer_that_was_read_half_written_is_read_again(tmp_path: Path) -> None:
    """Lines are whole one by one: the address may come after our look."""
    async with opened("directory", tmp_path) as make:
        adapter = make(ack={"format": "text", "name": "{package}.txt"})
        ref = await drop(adapter)
        (tmp_path / "ack").mkdir()
        file = tmp_path / "ack" / f"{FIRST}.txt"
        file.write_text("result=published\n")
        assert (await adapter.standing(ref)).waits == "address_unknown"
        file.write_text("result=published\nurl=/p/9.html\n")
        assert (await adapter.standing(ref)).ref.url == "https://www.county.example/p/9.html"


@played
async def test_what_was_refused_and_then_published_is_published(tmp_path: Path) -> None:
    async with opened("directory", tmp_path) as make:
        adapter = make()
        ref = await drop(adapter)
        (tmp_path / "ack").mkdir()
        file = tmp_path / "ack" / f"{FIRST}.ack.json"
        file.write_text('{"result": "refused", "reason": "x"}')
        assert (await adapter.standing(ref)).refused == "importer_refused"
        file.unlink()
        assert (await adapter.standing(ref)).refused == "importer_refused", "it is remembered"
        file.write_text('{"result": "published", "url": "/p/9.html"}')
        assert (await adapter.standing(ref)).ref.state is PUBLIC


@played
async def test_records_that_are_gone_are_told_and_damaged_ones_too(tmp_path: Path) -> None:
    async with opened("directory", tmp_path) as make:
        adapter = make()
        with pytest.raises(NotFound):
            await adapter.standing(RemoteRef(NAME))
        await drop(adapter)
        (tmp_path / "records" / NAME / "000001.json").write_text("{")
        with pytest.raises(NotApplied) as failed:
            await adapter.find(POST.key)
        assert failed.value.reason == "record_damaged"


@played
async def test_the_importer_of_these_tests_refuses_half_a_package(tmp_path: Path) -> None:
    """Else the tests that let it look would show nothing."""
    async with opened("directory", tmp_path) as make:
        await drop(make())
        (tmp_path / "packages" / FIRST / MEDIA[0].name).write_bytes(FILES[PDF][:-1])
        with pytest.raises(Half):
            Importer(tmp_path).look()


@DROPS
@played
async def test_what_was_withdrawn_can_be_created_again(kind: str, tmp_path: Path) -> None:
    """As after a lost state, which knows nothing of the withdrawal."""
    async with opened(kind, tmp_path) as make:
        adapter, importer = make(), Importer(tmp_path)
        ref = await drop(adapter)
        importer.run()
        await adapter.withdraw(ref, "unpublish", "1")
        again = await adapter.create(POST, PUBLIC)
        assert (again.outcome, again.ref.version) == (Wrote.CREATED, "3")
        importer.run()
        assert [action for _, _, action in importer.taken] == ["create", "withdraw", "create"]
        assert (await adapter.standing(again.ref)).ref.state is PUBLIC
        with pytest.raises(Conflict):
            await adapter.create(POST, PUBLIC)


@played
async def test_four_creates_at_once_of_what_was_withdrawn_drop_one_package(tmp_path: Path) -> None:
    async with opened("directory", tmp_path) as make:
        await make().withdraw(await drop(make()), "unpublish", "1")
        done = await asyncio.gather(*(drop(make()) for _ in range(4)), return_exceptions=True)
        assert len([each for each in done if isinstance(each, RemoteRef)]) == 1, done
        assert len(packages(tmp_path)) == 3
        assert all(isinstance(each, RemoteRef | Conflict) for each in done), done


@played
async def test_a_withdrawn_document_that_comes_back_as_a_draft_is_one(tmp_path: Path) -> None:
    async with opened("directory", tmp_path) as make:
        adapter, importer = make(), Importer(tmp_path)
        ref = await drop(adapter)
        importer.run()
        await adapter.standing(ref)
        ref = (await adapter.withdraw(ref, "unpublish", "1")).ref
        importer.run()
        await adapter.standing(ref)
        ref = await drop(adapter, DRAFT)
        await adapter.update(ref, replace(POST, title="更正"), DRAFT, "3")
        importer.run()
        assert importer.pages[POST.key].state == "draft"


@pytest.mark.parametrize("form", ["json", "xml", "atom"])
@played
async def test_an_update_of_a_draft_does_not_unpublish_what_an_editor_published_unseen(form: str, tmp_path: Path) -> None:
    async with opened("directory", tmp_path) as make:
        adapter, importer = make(url="/p/{key}.html", format=form), Importer(tmp_path, answers=False)
        ref = await drop(adapter, DRAFT)
        importer.run()
        importer.publish(POST.key)
        result = await adapter.update(ref, replace(POST, title="更正"), DRAFT, "1")
        assert result.ref.state is DRAFT, "nobody has seen it"
        importer.run()
        page = importer.pages[POST.key]
        assert (page.state, page.title) == ("public", "更正")


@played
async def test_an_update_of_a_draft_that_never_arrived_is_a_draft(tmp_path: Path) -> None:
    async with opened("directory", tmp_path) as make:
        adapter, importer = make(url="/p/{key}.html"), Importer(tmp_path, answers=False)
        ref = await drop(adapter, DRAFT)
        for lost in (tmp_path / "packages").iterdir():
            lost.rename(tmp_path / "lost")
        await adapter.update(ref, replace(POST, title="更正"), DRAFT, "1")
        importer.run()
        assert importer.pages[POST.key].state == "draft"


@played
async def test_the_entries_of_a_package_are_on_the_disk_before_it_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, rename = folder._sync, Path.rename

    def synced(path: Path) -> None:
        done.append(path.suffix)
        sync(path)

    def renamed(self: Path, target: Path) -> Path:
        done.append("moved")
        return rename(self, target)

    monkeypatch.setattr(folder, "_sync", synced)
    monkeypatch.setattr(Path, "rename", renamed)
    async with opened("directory", tmp_path) as make:
        await drop(make())
    assert ".stage" in done[: done.index("moved")]

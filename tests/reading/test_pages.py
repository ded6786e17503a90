"""Many pages lie packed in a file, and come back as they were."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from extractors.reading.pages import KEPT_PAGES, PackedPages, PageStore
from schemas.document import Box, DocumentRef, Doubt, Page, PageImage, ReadDocument, Word

floats = st.floats(0, 2000, allow_nan=False)
words = st.builds(
    Word, st.text(min_size=1, max_size=9), st.builds(Box, floats, floats, floats, floats), st.none() | floats
)
images = st.builds(PageImage, st.binary(max_size=50), st.just("image/png"), st.just(1), st.just(2))
pages = st.builds(
    Page,
    st.integers(1, 5),
    floats,
    floats,
    st.sampled_from(["text_layer", "ocr", "blank"]),
    st.lists(words, max_size=4).map(tuple),
    st.sampled_from([0, 90]),
    st.none() | images,
    st.lists(st.builds(Doubt, st.text(max_size=9)), max_size=2).map(tuple),
)


@given(st.lists(pages, max_size=6))
def test_packed_pages_are_the_pages_in_order(given_pages: list[Page]) -> None:
    packed, last = PackedPages(), {page.number: page for page in given_pages}
    for page in given_pages:
        packed.add(page)
    assert list(packed) == [last[number] for number in sorted(last)]
    assert list(packed[1:3]) == list(packed)[1:3]
    assert all(packed.numbered(number) == last.get(number) for number in range(7))


def test_a_long_document_is_packed_and_a_short_one_is_not() -> None:
    all_pages = [Page(number, 1, 1, "blank", ()) for number in range(1, 3 * KEPT_PAGES)]
    for count in (1, KEPT_PAGES, KEPT_PAGES + 1, len(all_pages)):
        store, shuffled = PageStore(), all_pages[:count]
        random.Random(count).shuffle(shuffled)
        for page in shuffled:
            store.add(page)
        assert isinstance(store.in_order(), tuple) is (count <= KEPT_PAGES)
        assert list(store.in_order()) == all_pages[:count] and len(store) == count
        assert count in store and count + 1 not in store
        document = ReadDocument(DocumentRef("a", "0" * 64, 1, "application/pdf"), store.in_order(), count)
        assert document.page(count) == all_pages[count - 1]
        assert document.page(0) is None and document.page(count + 1) is None

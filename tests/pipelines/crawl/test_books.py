from pipelines.crawl.books import (
    MAX_NAMED,
    InputKey,
    SourceBook,
    Tally,
    add_books,
    add_tallies,
    book_of,
    total_passed_over,
    warnings,
)


def test_the_parts_of_an_input_are_added_up():
    parts = [Tally(2, {"request records": 3}), Tally(0, {"request records": 1, "redirects": 1})]
    assert add_tallies(parts) == Tally(2, {"redirects": 1, "request records": 4})
    assert add_tallies([]) == Tally()


def test_an_input_is_silent_if_none_of_its_parts_gave_a_row():
    book = add_books(
        [
            book_of(InputKey("s", "b.tsv"), Tally(0, {"redirects": 2})),
            book_of(InputKey("s", "a.tsv"), Tally(0)),
            book_of(InputKey("s", "c.tsv"), Tally(1)),
            book_of(InputKey("s", ""), Tally(0)),  # a page that was crawled
        ]
    )
    assert book == SourceBook("s", 4, 2, ("a.tsv", "b.tsv"), {"redirects": 2}, told=1)


def test_books_are_the_same_however_they_are_added():
    books = [book_of(InputKey("s", f"{n:02}.tsv"), Tally(0, {"x": n})) for n in range(30)]
    at_once = add_books(books)
    assert add_books([add_books(books[20:]), add_books(books[:20])]) == at_once
    assert (at_once.num_silent, len(at_once.silent)) == (30, MAX_NAMED)


def test_no_input_can_fill_the_books():
    book = add_books([SourceBook("s", passed_over={f"kind {n}": 1 + (n < 2)}) for n in range(9999)])
    assert len(book.passed_over) < 50
    assert sum(book.passed_over.values()) == 9999 + 2
    assert book.passed_over["kind 0"] == 2


def test_a_source_warns_of_what_gave_nothing():
    some = SourceBook("crawl.sources[1]", 1200, 11, tuple(f"{n}.tsv" for n in range(10)))
    none = SourceBook("crawl.sources[0]", 1, 1, ("a.tar",))
    assert warnings([some, SourceBook("crawl.sources[2]", 5), none]) == [
        "crawl.sources[0] is empty: no row and no rejection from a.tar",
        "crawl.sources[1]: 11 of 1,200 inputs gave no row and no rejection: "
        "0.tsv, 1.tsv, 2.tsv, 3.tsv, 4.tsv, 5.tsv, 6.tsv, 7.tsv, 8.tsv, 9.tsv and 1 more",
    ]


def test_a_source_without_any_caption_says_which_settings_keep_its_images():
    parts = [add_tallies([Tally(2, uncaptioned=2), Tally(1, uncaptioned=1)])]
    none = add_books([book_of(InputKey("crawl.sources[0]", "a.tar"), tally) for tally in parts])
    some = book_of(InputKey("crawl.sources[1]", "b.tar"), Tally(3, uncaptioned=2))
    assert warnings([some, none, SourceBook("crawl.sources[2]")]) == [
        "crawl.sources[0]: none of its 3 images has a caption; to keep them, set "
        "`crawl.min_caption_chars: 0` and `captions.recipe: none`"
    ]


def test_what_all_sources_passed_over():
    books = [SourceBook("a", passed_over={"y": 1, "x": 2}), SourceBook("b", passed_over={"x": 1})]
    assert list(total_passed_over(books).items()) == [("x", 3), ("y", 1)]

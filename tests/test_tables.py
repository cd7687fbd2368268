"""Tables as people have them: each comes out as the clean one does, or with words that lead on."""

import datetime
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_lstm_ext.demo import columns
from keras_lstm_ext.demo.columns import Reading
from keras_lstm_ext.demo.errors import UserError
from keras_lstm_ext.demo.table import Table, read

pytest.importorskip("pandas")

ROWS = 60
_random = np.random.default_rng(11)
X = np.round(_random.normal(20, 5, ROWS), 2)
Y = np.round(3000 + _random.normal(0, 30, ROWS).cumsum(), 2)
DAYS = [datetime.date(2024, 1, 1) + datetime.timedelta(k) for k in range(ROWS)]
BACK = range(ROWS)[::-1]
SHUFFLED = _random.permutation(ROWS).tolist()


def us(value: float) -> str:
    return f"{value:,.2f}"


def de(value: float) -> str:
    return us(value).translate(str.maketrans(",.", ".,"))


def rows(header: str, row: Callable[[int], str], order: Any = range(ROWS)) -> str:
    return header + "".join(row(k) + "\n" for k in order)


def plain(k: int) -> str:
    return f"{X[k]},{Y[k]}"


def minute(k: int) -> str:
    return f"{17 + k // 60}:{k % 60:02d}:00"


FILES: dict[str, tuple[str | bytes, str | None]] = {
    # what it is: the file, and the next time, if there is one
    "clean": (rows("x,y\n", plain), None),
    "Excel, German": (
        rows("Datum;x;y\r\n", lambda k: f"{DAYS[k]:%d.%m.%Y};{de(X[k])};{de(Y[k])}\r").encode(
            "cp1252"
        ),
        "01.03.2024",
    ),
    "Excel, German, title, currency and source": (
        rows("Umsätze;;\n\nDatum;x;y\n", lambda k: f"{DAYS[k]:%d.%m.%Y};{de(X[k])};{de(Y[k])} €")
        + ";;\nQuelle: Buchhaltung;;\n",
        "01.03.2024",
    ),
    "Excel, German, Windows-1252": (
        rows("Größe;x;y\n", lambda k: f"{DAYS[k]:%d.%m.%Y};{de(X[k])};{de(Y[k])} €").encode(
            "cp1252"
        ),
        "01.03.2024",
    ),
    "Excel, US": (
        rows("Date,x,y\n", lambda k: f'{DAYS[k]:%m/%d/%Y},{X[k]},"{us(Y[k])}"'),
        "03/01/2024",
    ),
    "US, per cent and dollars": (
        rows("Date,x,y\n", lambda k: f'{DAYS[k]:%m/%d/%y},{X[k]}%,"${us(Y[k])} "'),
        "03/01/24",
    ),
    "Excel, sep=": (rows("sep=;\nx;y\n", lambda k: f"{X[k]};{Y[k]}"), None),
    "R, write.table": (rows('"x" "y"\n', lambda k: f'"{k + 1}" {X[k]} {Y[k]}'), None),
    "R, write.table with commas": (rows('"x","y"\n', lambda k: f'"{k + 1}",{plain(k)}'), None),
    "R, write.csv": (rows('"","x","y"\n', lambda k: f'"{k + 1}",{plain(k)}'), None),
    "pandas, twice": (rows("Unnamed: 0,x,y\n", lambda k: f"{k},{plain(k)}"), None),
    "pandas, dates": (rows(",x,y\n", lambda k: f"{DAYS[k]},{plain(k)}"), "2024-03-01"),
    "NumPy, savetxt": (rows("# x y\n", lambda k: f"{X[k]:.18e} {Y[k]:.18e}"), None),
    "trailing comma": (rows("x,y\n", lambda k: plain(k) + ","), None),
    "trailing commas": (rows("x,y,\n", lambda k: plain(k) + ","), None),
    "comments": (
        rows("# by me\n# x, y: lengths, in m\nx,y\n", lambda k: "# moved\n" * (k == 9) + plain(k)),
        None,
    ),
    "title with commas": (rows("Station: 4, Berlin, Germany\nx,y\n", plain), None),
    "line of units": (
        rows("time;x;y\n;[°C];[hPa]\n", lambda k: f"{DAYS[k]} 00:00;{X[k]};{Y[k]}"),
        "2024-03-01 00:00",
    ),
    "tabs": (rows("x\ty\n", lambda k: f"{X[k]}\t{Y[k]}"), None),
    "bars": (rows("x | y\n", lambda k: f"{X[k]} | {Y[k]}"), None),
    "columns of spaces": (rows("   x      y\n", lambda k: f"{X[k]:8.2f} {Y[k]:10.2f}"), None),
    "UTF-16": (rows("x\ty\n", lambda k: f"{X[k]}\t{Y[k]}").encode("utf-16"), None),
    "UTF-16 without a mark": (
        rows("x\ty\n", lambda k: f"{X[k]}\t{Y[k]}").encode("utf-16-le"),
        None,
    ),
    "UTF-8 with a mark": (rows("x,y\n", plain).encode("utf-8-sig"), None),
    "gzip": (gzip.compress(rows("x,y\n", plain).encode()), None),
    "returns as line ends": (rows("x,y\n", plain).replace("\n", "\r"), None),
    "newest first": (rows("Date,x,y\n", lambda k: f"{DAYS[k]},{plain(k)}", BACK), "2024-03-01"),
    "month names, newest first": (
        rows('"Date","x","y"\n', lambda k: f'"{DAYS[k]:%b %d, %Y}","{X[k]}","{us(Y[k])}"', BACK),
        "Mar 01, 2024",
    ),
    "shuffled, day first": (
        rows("d,x,y\n", lambda k: f"{DAYS[k]:%d/%m/%Y},{plain(k)}", SHUFFLED),
        "01/03/2024",
    ),
    "seconds since 1970": (
        rows("timestamp,x,y\n", lambda k: f"{1700000000 + 60 * k},{plain(k)}"),
        "1700003600",
    ),
    "milliseconds since 1970": (
        rows("time,x,y\n", lambda k: f"{1700000000000 + 500 * k},{plain(k)}"),
        "1700000030000",
    ),
    "years": (rows("YEAR,x,y\n", lambda k: f"{1800 + k}.0,{plain(k)}"), "1860"),
    "months": (
        rows("Month,x,y\n", lambda k: f"{1949 + k // 12}-{k % 12 + 1:02d},{plain(k)}"),
        "1954-01",
    ),
    "date and clock": (
        rows("Date;Time;x;y\n", lambda k: f"16/12/2006;{minute(k)};{X[k]};{Y[k]}"),
        "16/12/2006 18:00:00",
    ),
    "a weather service": (
        rows(
            "MESS_DATUM;  x;y;eor\n",
            lambda k: f"202301{1 + k // 24:02d}{k % 24:02d};  {X[k]};   {Y[k]};eor",
        ),
        "2023010312",
    ),
    "time zone": (
        rows("t,x,y\n", lambda k: f"{DAYS[k]}T00:00:00+01:00,{plain(k)}"),
        "2024-02-29T23:00:00Z",
    ),
    "AM and PM": (
        rows(
            "t,x,y\n",
            lambda k: f"1/{1 + k // 24}/2024 {k % 12 or 12}:00 {'AP'[k % 24 > 11]}M,{plain(k)}",
        ),
        "01/03/2024 12:00 PM",
    ),
    "apostrophes": (rows("x;y\n", lambda k: f"{X[k]};{us(Y[k])}".replace(",", "'")), None),
    "thin spaces": (
        rows("x;y\n", lambda k: f"{X[k]};{us(Y[k])}".replace(",", "\u202f").replace(".", ",")),
        None,
    ),
    "quoted decimal commas": (rows('"x","y"\n', lambda k: f'"{de(X[k])}","{de(Y[k])}"'), None),
    "powers with commas": (
        rows("x;y\n", lambda k: f"{X[k]:.6e};{Y[k]:.6e}".replace(".", ",")),
        None,
    ),
    "empty rows at the end": (rows("x,y\n", plain) + ",\n,\n\n", None),
    "torn last line": (rows("x,y\n", plain) + "17.", None),
}


def read_text(folder: Path, text: str | bytes, target: str = "y", **how: Any) -> Table:
    path = folder / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(path, target, 5, (), Reading(**how))


@pytest.mark.parametrize("name", FILES)
def test_a_table_as_people_have_it_is_the_clean_one(name: str, tmp_path: Path) -> None:
    text, following = FILES[name]
    table = read_text(tmp_path, text)
    assert table.columns == ("x", "y")
    np.testing.assert_array_equal(table.values, np.stack([X, Y], axis=1))
    assert (table.times.following(1) if table.times else None) == (following and [following])


GAPS = [
    "?",
    "",
    "NA",
    "-",
    "NaN",
    "null",
    "#NV",
    "-999",
    "-9999.0",
    "9999",
    "1e30",
    "---",
    " ",
    ".",
]


@pytest.mark.parametrize("gap", GAPS)
def test_a_gap_is_refused_or_filled_with_what_was_before(gap: str, tmp_path: Path) -> None:
    missing = (7, 8, 33)
    text = rows("x,y\n", lambda k: f"{X[k]},{gap if k in missing else Y[k]}")
    with pytest.raises(
        UserError, match=r"'y', line 9: .* gap.* 3 in 'y'.*--fill last.*--fill drop"
    ):
        read_text(tmp_path, text)
    table = read_text(tmp_path, text, fill="last")
    filled = Y.copy()
    filled[[7, 8, 33]] = Y[[6, 6, 32]]
    np.testing.assert_array_equal(table.target, filled)
    assert np.flatnonzero(table.filled).tolist() == list(missing)
    assert any("filled with the last value before" in note for note in table.notes)
    kept = np.delete(np.arange(ROWS), missing)
    np.testing.assert_array_equal(read_text(tmp_path, text, fill="drop").target, Y[kept])


def test_words_and_codes_of_one_s_own_stand_for_gaps(tmp_path: Path) -> None:
    text = rows("x,y\n", lambda k: f"{X[k]},{ {4: 'broken', 6: '77'}.get(k, Y[k]) }")
    table = read_text(tmp_path, text, fill="last", gaps=("broken", "77"))
    assert table.target[[4, 6]].tolist() == Y[[3, 5]].tolist()


def test_gaps_before_the_first_value_are_left_out(tmp_path: Path) -> None:
    table = read_text(
        tmp_path, rows("x,y\n", lambda k: f"{X[k]},{Y[k] if k > 2 else ''}"), fill="last"
    )
    np.testing.assert_array_equal(table.target, Y[3:])
    assert any("first 3 rows" in note for note in table.notes)


NOTES = {
    "newest first": (
        rows("Date,x,y\n", lambda k: f"{DAYS[k]},{plain(k)}", BACK),
        {},
        "newest first",
    ),
    "shuffled": (rows("d,x,y\n", lambda k: f"{DAYS[k]},{plain(k)}", SHUFFLED), {}, "sorted by 'd'"),
    "days missing": (
        rows("d,x,y\n", lambda k: f"{DAYS[k + 5 * (k > 20) - 5]},{plain(k)}", range(5, ROWS)),
        {},
        "1 of 54 steps are longer, the longest 6 days after 2024-01-16",
    ),
    "no times": (rows("x,y\n", plain), {}, "oldest first"),
    "month or day": (
        rows("d,x,y\n", lambda k: f"{k % 12 + 1:02d}/01/{2000 + k // 12},{plain(k)}"),
        {},
        "read month first; if wrong: --dates day-first",
    ),
    "thousands or decimals": (
        rows("x;y\n", lambda k: f"{X[k]:.0f}0;{k + 1},125"),
        {},
        "'60,125' was read as 60.125; if wrong: --decimal '.'",
    ),
    "constant column": (rows("x,c,y\n", lambda k: f"{X[k]},0.1,{Y[k]}"), {}, "without effect: 'c'"),
    "one word": (rows("x,c,y\n", lambda k: f"{X[k]},eor,{Y[k]}"), {}, "'eor' in all rows"),
    "no header": (rows("", plain), {"target": "2"}, "numbered from 1 to 2"),
    "code among numbers": (
        rows("x,y\n", lambda k: f"{X[k]},{-999 if k == 5 else 30 * (-1) ** k * X[k]}"),
        {},
        "-999, 1 time, was taken for a number; if it stands for a gap: --gap=-999",
    ),
}


@pytest.mark.parametrize("name", NOTES)
def test_what_could_be_wrong_is_told(name: str, tmp_path: Path) -> None:
    text, how, words = NOTES[name]
    notes = read_text(tmp_path, text, **how).notes
    assert any(words in note for note in notes), notes


REFUSED = {
    "text columns": (
        rows("a,b,y\n", lambda k: f"north{k},s{k},{Y[k]}"),
        {},
        ["2 columns", "'a' (line 2: 'north0')", "'b' (line 2: 's0')", "--ignore 'a' --ignore 'b'"],
    ),
    "a day twice": (
        rows("d,x,y\n", lambda k: f"{DAYS[k - (k > 30)]},{plain(k)}"),
        {},
        ["'d', lines 32 and 33", "2024-01-31", "--duplicates first", "--time none"],
    ),
    "no time": (
        rows("d,x,y\n", lambda k: f"{'Total' if k == 30 else DAYS[k]},{plain(k)}"),
        {},
        ["'d', line 32: 'Total' is not a time, as '2024-01-01' is", "--time none"],
    ),
    "another decimal sign": (
        rows("x,y\n", lambda k: f'{X[k]},"{Y[k]}"' if k != 40 else f'{X[k]},"1,5"'),
        {},
        ["'y', line 42: '1,5'", "decimal sign was taken to be '.'", "--decimal"],
    ),
    "near miss": (
        rows("x,Yield\n", plain),
        {"target": "yield"},
        ["'Yield'", "did you mean 'Yield'?"],
    ),
    "open quote": (
        rows("x,y\n", lambda k: f'"{plain(k)}' if k == 20 else plain(k)),
        {},
        ["not a comma-separated table", "line 22", "quote is not closed"],
    ),
    "workbook": (b"\xd0\xcf\x11\xe0" + bytes(50), {}, ["Excel workbook", "save the sheet as CSV"]),
    "web page": ("<!DOCTYPE html>\n<html></html>", {}, ["web page"]),
    "unknown encoding": (
        "x,y\n",
        {"encoding": "utf-99"},
        ["--encoding utf-99 is unknown", "cp1252"],
    ),
    "wrong encoding": (b"x,y\n1,\xe9\n", {"encoding": "utf-8"}, ["line 2", "--encoding cp1252"]),
    "damaged gzip": (gzip.compress(b"x,y\n" * 99)[:-12], {}, ["packed, and damaged"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_with_what_to_do(name: str, tmp_path: Path) -> None:
    text, how, words = REFUSED[name]
    with pytest.raises(UserError) as refused:
        read_text(tmp_path, text, **how)
    for word in words:
        assert word in str(refused.value)


@pytest.mark.parametrize("keep", ["first", "last"])
@pytest.mark.parametrize("order", [range(ROWS), BACK])
def test_one_row_of_each_time_is_kept_on_demand(keep: str, order: Any, tmp_path: Path) -> None:
    text = rows("d,x,y\n", lambda k: f"{DAYS[k - (k > 30)]},{plain(k)}", order)
    table = read_text(tmp_path, text, duplicates=keep)
    first_in_file = 30 if order[0] == 0 else 31
    dropped = 61 - first_in_file if keep == "first" else first_in_file
    np.testing.assert_array_equal(table.target, np.delete(Y, dropped))


def test_a_long_file_is_read_to_its_last_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "CHUNK", 1000)
    values = np.random.default_rng(2).normal(size=25_001)
    lines = "\n".join(map(repr, values.tolist()))
    table = read_text(tmp_path, f"y\n{lines}\n")
    np.testing.assert_array_equal(table.target, values)


DATES = ["B", "W-SUN", "MS", "ME", "QS-JAN", "h", "15min"]


@pytest.mark.parametrize("step", DATES)
def test_the_next_times_follow_the_calendar(step: str, tmp_path: Path) -> None:
    import pandas

    times = pandas.date_range("2023-01-31", periods=ROWS + 3, freq=step)
    written = [f"{time:%Y-%m-%d %H:%M}" for time in times]
    table = read_text(tmp_path, rows("t,y\n", lambda k: f"{written[k]},{Y[k]}"))
    assert table.times is not None
    assert table.times.following(3) == written[-3:]

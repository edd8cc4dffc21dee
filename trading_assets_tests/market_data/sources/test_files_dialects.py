"""CSV files as people and programs write them: encodings, separators, comments, decimal signs, columns of one name."""

import gzip
from datetime import date

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trading_assets.market_data.sources import FilesSource, SourceFormatError

EVER = (date(1990, 1, 1), date(2030, 1, 1))
HEADER = "symbol,date,open,high,low,close,volume"
ROWS = ["A,2015-01-02,10,11,9,10.5,100", "A,2015-01-05,10.5,11.5,9.5,11,200"]
CLOSES = [10.5, 11.0]
TEXT = "\n".join([HEADER, *ROWS]) + "\n"


def closes(path, **settings):
    source = FilesSource(path=path, **settings)
    bars = source.bars(source.symbols()["symbol"].to_list(), *EVER)
    assert bars["volume"].to_list() == [100, 200]
    assert bars["symbol"].to_list() == ["A", "A"]
    return bars["close"].to_list()


def problem(path, **settings):
    with pytest.raises(SourceFormatError) as caught:
        FilesSource(path=path, **settings).symbols()
    return str(caught.value)


@pytest.fixture
def file(tmp_path):
    """Factory of a file of bars with a content."""

    def make(content, name="bars.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


# --- separators


@pytest.mark.parametrize("separator", [";", "\t", "|", ","])
@pytest.mark.parametrize("name", ["bars.csv", "bars.tsv", "bars.txt"])
def test_the_separator_is_that_of_the_header(file, separator, name):
    assert closes(file(TEXT.replace(",", separator), name)) == CLOSES


def test_the_separator_that_a_spreadsheet_states_is_taken(file):
    assert closes(file("sep=;\r\n" + TEXT.replace(",", ";").replace("\n", "\r\n"))) == CLOSES


def test_a_separator_within_quotes_does_not_count(file):
    header = '"symbol";"date";"open";"high, low, last and so on, as of noon";"high";"low";"close";"volume"'
    rows = ["A;2015-01-02;10;x;11;9;10.5;100", "A;2015-01-05;10.5;y;11.5;9.5;11;200"]
    assert closes(file("\n".join([header, *rows]))) == CLOSES


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_decimal_comma_is_recognised_where_cells_are_not_separated_by_commas(file, separator):
    lines = [row.replace(",", separator).replace(".", ",") for row in (HEADER, *ROWS)]
    assert closes(file("\n".join(lines))) == CLOSES


def test_points_between_thousands_are_left_out_beside_a_decimal_comma(file):
    path = file(f"{HEADER.replace(',', ';')}\nA;2015-01-02;1.010,5;1.200;900;1.100,25;1.234.567\n")
    bars = FilesSource(path=path).bars(["A"], *EVER)
    assert bars.select("open", "high", "close", "volume").row(0) == (1010.5, 1200.0, 1100.25, 1234567)


def test_a_decimal_point_in_a_file_separated_by_semicolons_stays_one(file):
    path = file(f"{HEADER.replace(',', ';')}\nA;2015-01-02;1.010;1.200;0.900;1.100;1000\n")
    assert FilesSource(path=path).bars(["A"], *EVER)["open"].to_list() == [1.01]


# --- encodings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"])
@pytest.mark.parametrize("separator", [",", ";"])
def test_the_encoding_is_recognised(file, encoding, separator):
    text = TEXT.replace("symbol,", "Société,symbol,").replace("A,", "Générale,A,").replace(",", separator)
    path = file(text.encode(encoding))
    assert closes(path) == CLOSES
    names = file(f"symbol{separator}name\nA{separator}Société Générale\n".encode(encoding), "names.csv")
    assert FilesSource(path=path, names_path=names).symbols()["name"].to_list() == ["Société Générale"]


def test_a_byte_that_shows_the_encoding_far_into_the_file_is_found(file):
    names = "\n".join(["symbol,name", *(f"N{place},Plain" for place in range(20_000)), "A,Générale"])
    path = file(names.encode("latin-1"), "names.csv")
    source = FilesSource(path=file(TEXT), names_path=path)
    assert source.symbols()["name"].to_list() == ["Générale"]


def test_a_compressed_file_is_recognised_too(tmp_path):
    content = ("# made by hand\n" + TEXT.replace(",", ";")).encode("utf-16")
    with gzip.open(tmp_path / "bars.csv.gz", "wb") as target:
        target.write(content)
    assert closes(tmp_path / "bars.csv.gz") == CLOSES
    with pa.output_stream(str(tmp_path / "bars.tsv.zst"), compression="zstd") as target:
        target.write(TEXT.replace(",", "\t").encode())
    assert closes(tmp_path / "bars.tsv.zst") == CLOSES


def test_lines_that_end_with_a_carriage_return_alone_are_lines(file):
    assert closes(file(TEXT.replace("\n", "\r"))) == CLOSES


# --- comments


@pytest.mark.parametrize(
    "comments",
    [
        "# exported on Monday\n",
        "# one, with, commas, and, more, of, them, and\n#\n\n# three\n",
        "\n\n",
        "\ufeff# first\n",
    ],
)
def test_comments_and_blank_lines_before_the_header_are_skipped(file, comments):
    assert closes(file(comments + TEXT)) == CLOSES


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_comments_between_and_after_the_rows_are_skipped(file, encoding):
    text = "\n".join([HEADER, ROWS[0], "# a break", ROWS[1], "# the end"])
    assert closes(file(text.encode(encoding))) == CLOSES


@pytest.mark.parametrize("mark", ["#", "# "])
def test_a_header_that_is_written_as_a_comment_is_the_header(file, mark):
    assert closes(file(f"# prices\n{mark}{TEXT}")) == CLOSES


def test_a_row_of_a_symbol_with_a_hash_is_no_comment(file):
    bars = FilesSource(path=file(TEXT.replace("A,", "#A,"))).bars(["#A"], *EVER)
    assert bars.height == 2


def test_the_same_holds_for_the_files_of_other_tables(file):
    actions = file("# splits\nsymbol;ex_date;kind;value\nA;2015-01-05;dividend;0,25\n".encode("utf-16"), "actions.csv")
    source = FilesSource(path=file(TEXT), actions_path=actions)
    assert source.corporate_actions(["A"], *EVER)["value"].to_list() == [0.25]


# --- columns of one name


def test_two_columns_of_one_name_are_refused_by_name_and_place(file):
    path = file(f"{HEADER.replace('close', 'close,close')}\nA,2015-01-02,10,11,9,10.5,5.25,100\n")
    message = problem(path)
    assert "bars.csv has several columns of one name: 'close' (columns 6, 7)" in message
    assert "source.files.path" in message


@pytest.mark.parametrize("other", ["Close", "CLOSE", " close"])
def test_two_columns_that_differ_in_case_or_blanks_are_refused_unless_one_is_chosen(file, other):
    path = file(f"{HEADER.replace('close', f'close,{other}')}\nA,2015-01-02,10,11,9,10.5,5.25,100\n")
    message = problem(path)
    assert "'close'" in message
    assert other.strip() in message
    if other != " close":
        assert FilesSource(path=path, columns={"close": other}).bars(["A"], *EVER)["close"].to_list() == [5.25]


def test_a_wide_download_of_several_tickers_is_refused_by_name(file):
    lines = ["Price,Close,Close,Open,Open", "Ticker,AAPL,MSFT,AAPL,MSFT", "Date,,,,", "2015-01-02,1,2,3,4"]
    message = problem(file("\n".join(lines)), symbol_in_file_name=True)
    assert "'Close' (columns 2, 3); 'Open' (columns 4, 5)" in message
    assert "one row per ticker and date" in message


@pytest.mark.parametrize(
    "names", ["AAPL_{0},MSFT_{0}", "\"('{0}', 'AAPL')\",\"('{0}', 'MSFT')\"", "{0},{0}.1", "{0},{0}_duplicated_0"]
)
def test_a_wide_download_with_other_headers_is_refused_with_the_remedy(file, names):
    header = ",".join(["date", *(names.format(name) for name in ("Open", "High", "Low", "Close", "Volume"))])
    message = problem(file(f"{header}\n2015-01-02{',1' * 10}\n"), symbol_in_file_name=True)
    assert "needs one row per ticker and date" in message


def test_columns_of_one_name_in_parquet_are_refused_by_name(tmp_path):
    table = pa.table([pa.array(["A"]), pa.array([1.0]), pa.array([2.0])], names=["symbol", "close", "close"])
    pq.write_table(table, tmp_path / "bars.parquet")
    message = problem(tmp_path / "bars.parquet")
    assert "bars.parquet has several columns of one name: column with name 'close'" in message


def test_columns_without_a_name_are_none_of_the_desk(file):
    assert closes(file("\n".join([f"{HEADER},,", *(f"{row},," for row in ROWS)]))) == CLOSES


def test_two_names_that_mean_the_same_column_are_told_apart_by_the_more_usual_one(file):
    path = file(f"{HEADER},adj close\n" + "\n".join(f"{row},1" for row in ROWS))
    assert closes(path) == CLOSES
    assert pl.read_csv(path)["adj close"].to_list() == [1, 1]

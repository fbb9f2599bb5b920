"""CSV in all its dialects, and the errors for other content."""

import pytest

from nearkin.sources import csv_reader


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("byte_order_mark", ["", "\ufeff"])
@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_dialects_of_csv(tmp_path, line_end, byte_order_mark, quote, delimiter):
    lines = [["file", "name "], ["a.jpg", "Aus bus "], ["b.jpg", ""]]
    text = line_end.join(delimiter.join(f"{quote}{cell}{quote}" for cell in line) for line in lines)
    (tmp_path / "t.csv").write_bytes((byte_order_mark + text).encode())
    assert csv_reader.read_header(tmp_path / "t.csv") == ["file", "name"]
    assert csv_reader.read_csv(tmp_path / "t.csv", ["name", "file"]).rows() == [
        ("Aus bus ", "a.jpg"),
        ("", "b.jpg"),
    ]


def test_ragged_rows_and_old_encodings(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("file;name\na.jpg;M\u00fcller; 1776\n\nb.jpg".encode("cp1252"))
    rows = csv_reader.read_csv(path, ["file", "name"], overflow_column="name").rows()
    assert rows == [("a.jpg", "M\u00fcller; 1776"), ("b.jpg", "")]
    path.write_text("caption,path\nunquoted, comma,b.jpg\n")
    assert csv_reader.read_csv(path, ["path", "caption"], overflow_column="caption").rows() == [
        ("b.jpg", "unquoted, comma")
    ]
    path.write_text("file,name\na.jpg,Ausb\u0101\n", encoding="utf-16")
    assert csv_reader.read_csv(path, ["name"]).rows() == [("Ausb\u0101",)]


def test_huge_cells_null_bytes_and_formulas_are_unchanged(tmp_path):
    path = tmp_path / "t.csv"
    cells = ["x" * 10_000_000, "a\0b", "=cmd|'/C calc'!A0", '"{species}"\n']
    path.write_text("text\n" + "\n".join('"' + cell.replace('"', '""') + '"' for cell in cells))
    assert csv_reader.read_csv(path, ["text"])["text"].to_list() == cells


def test_quotes_are_literal_where_specified_unless_in_the_header(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text('file\tname\na.jpg\t"Aus" bus\nb.jpg\t"Aus\nc.jpg\tAus bus\n')
    names = csv_reader.read_csv(path, ["name"], unquoted_delimiters="\t")["name"].to_list()
    assert names == ['"Aus" bus', '"Aus', "Aus bus"]
    path.write_text('"file"\t"name"\n"a.jpg"\t"Aus\tbus"\n')
    assert csv_reader.read_csv(path, ["name"], unquoted_delimiters="\t")["name"].to_list() == ["Aus\tbus"]


def test_more_rows_than_a_chunk_keep_their_order(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_reader, "CHUNK_ROWS", 3)
    (tmp_path / "t.csv").write_text("n\n" + "\n".join(map(str, range(10))))
    assert csv_reader.read_csv(tmp_path / "t.csv", ["n"])["n"].to_list() == [str(n) for n in range(10)]


def test_a_missing_column_is_named_with_the_existing_ones(tmp_path):
    (tmp_path / "t.csv").write_text("file,name\n")
    with pytest.raises(ValueError, match=r"t\.csv: no column species; it has file, name"):
        csv_reader.read_csv(tmp_path / "t.csv", ["file", "species"])
    (tmp_path / "t.csv").write_text("")
    with pytest.raises(ValueError, match="no column file; it has none"):
        csv_reader.read_csv(tmp_path / "t.csv", ["file"])


def test_an_unclosed_quote_is_an_error_without_filling_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_reader, "MAX_FIELD_CHARS", 1000)
    (tmp_path / "t.csv").write_text('name\n"' + "x\n" * 1000)
    with pytest.raises(ValueError, match=r"t\.csv: cannot be read as a table: field larger"):
        csv_reader.read_csv(tmp_path / "t.csv", ["name"])

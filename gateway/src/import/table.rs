//! CSV files: UTF-8 with or without a byte order mark, separated by commas, semicolons or tabs, with a row of headers.

use super::report::RowError;
use std::collections::HashSet;
use steward_kernel::{Code, Error, Result};

const COLUMNS_MAX: usize = 500;

/// A file as rows of trimmed texts.
#[derive(Debug)]
pub struct Table {
    pub file: String,
    headers: Vec<String>,
    rows: Vec<Row>,
    /// Rows that could not be read.
    pub refused: Vec<RowError>,
}

#[derive(Debug)]
pub struct Row {
    /// As a spreadsheet counts: the headers are row 1.
    pub number: usize,
    cells: csv::StringRecord,
}

impl Row {
    /// The trimmed text; empty where there is none.
    pub fn cell(&self, column: usize) -> &str {
        self.cells.get(column).unwrap_or_default().trim()
    }
}

impl Table {
    pub fn parse(file: &str, bytes: &[u8], rows_max: usize) -> Result<Self> {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let wrong = |message: String| Error::bad_request(format!("{file}: {message}"));
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter(bytes)).flexible(true).from_reader(bytes);
        let headers = reader.headers().map_err(|_| wrong("the row of headers is not valid UTF-8".into()))?;
        let headers: Vec<String> = headers.iter().map(|header| header.trim().to_owned()).collect();
        if headers.iter().all(String::is_empty) {
            return Err(wrong("there is no row of headers".into()));
        }
        if headers.len() > COLUMNS_MAX {
            return Err(Error::new(Code::TooLarge, format!("{file}: at most {COLUMNS_MAX} columns are possible")));
        }
        let mut seen = HashSet::new();
        if let Some(twice) = headers.iter().find(|header| !seen.insert(header.as_str())) {
            let twice: String = twice.chars().take(60).collect();
            return Err(wrong(format!("the column {twice:?} stands there twice")));
        }
        let (mut rows, mut refused) = (Vec::new(), Vec::new());
        let mut record = csv::ByteRecord::new();
        let mut number = 1;
        loop {
            number += 1;
            let refusal = |message: &str| RowError::new(file, number, Error::bad_request(message.to_owned()));
            match reader.read_byte_record(&mut record) {
                Ok(false) => break,
                Ok(true) => {}
                Err(_) => {
                    refused.push(refusal("the row cannot be read"));
                    break;
                }
            }
            // Rows that are refused count too: each keeps an error.
            if rows.len() + refused.len() >= rows_max {
                return Err(Error::new(Code::TooLarge, format!("{file}: at most {rows_max} rows are possible")));
            }
            match csv::StringRecord::from_byte_record(record.clone()) {
                Err(_) => refused.push(refusal("the row is not valid UTF-8")),
                Ok(cells) if cells.len() != headers.len() => {
                    refused.push(refusal(&format!("the row has {} columns, the headers have {}", cells.len(), headers.len())));
                }
                // The database holds no such text; one look-up with it would end the whole import.
                Ok(cells) if cells.as_slice().contains('\0') => refused.push(refusal("the row holds the character NUL")),
                Ok(cells) => rows.push(Row { number, cells }),
            }
        }
        Ok(Self { file: file.to_owned(), headers, rows, refused })
    }

    /// One row without columns, for a step of constants.
    pub fn single() -> Self {
        Self { file: "mapping".to_owned(), headers: Vec::new(), rows: vec![Row { number: 1, cells: csv::StringRecord::new() }], refused: Vec::new() }
    }

    pub fn headers(&self) -> &[String] {
        &self.headers
    }
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }
    pub fn column(&self, name: &str) -> Option<usize> {
        self.headers.iter().position(|header| header == name)
    }
    /// The column's place; a mapping that names one that is not there does not fit the file.
    pub fn expect(&self, name: &str) -> Result<usize> {
        self.column(name).ok_or_else(|| Error::bad_request(format!("{} has no column {name:?}", self.file)))
    }
}

/// The separator that the row of headers uses most.
fn delimiter(bytes: &[u8]) -> u8 {
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for byte in bytes {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => break,
            byte if !quoted => counts.iter_mut().filter(|(separator, _)| separator == byte).for_each(|(_, count)| *count += 1),
            _ => {}
        }
    }
    // Of equals the last is taken, so the comma goes last.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(separator, _)| *separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_and_semicolons_are_understood() {
        let table = Table::parse("a.csv", b"\xEF\xBB\xBFname;\"a,b\"\nM\xC3\xBCller; 1 \n", 10).unwrap();
        assert_eq!(table.headers(), ["name", "a,b"]);
        assert_eq!((table.rows()[0].cell(0), table.rows()[0].cell(1), table.rows()[0].number), ("Müller", "1", 2));
    }

    #[test]
    fn rows_that_cannot_be_read_are_named_by_their_number() {
        let table = Table::parse("a.csv", b"a,b\n1,2\n\xFF,2\n1\n3,4\n", 10).unwrap();
        assert_eq!(table.rows().len(), 2);
        assert_eq!(table.refused.iter().map(|error| error.row).collect::<Vec<_>>(), [3, 4]);
    }

    #[test]
    fn too_many_rows_and_repeated_columns_are_refused() {
        assert_eq!(Table::parse("a.csv", b"a\n1\n2\n", 1).unwrap_err().code, Code::TooLarge);
        assert_eq!(Table::parse("a.csv", b"a\n1,2\n1,2\n", 1).unwrap_err().code, Code::TooLarge);
        assert_eq!(Table::parse("a.csv", b"a\n\0\n", 9).unwrap().refused.len(), 1);
        assert_eq!(Table::parse("a.csv", b"a,a\n1,2\n", 9).unwrap_err().code, Code::BadRequest);
        assert_eq!(Table::parse("a.csv", b"", 9).unwrap_err().code, Code::BadRequest);
    }
}

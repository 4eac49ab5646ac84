//! The one table that comes out.

use super::load::{Found, quantile};
use std::fmt;

const COLUMNS: usize = 7;

#[derive(Default)]
pub(super) struct Table {
    rows: Vec<[String; COLUMNS]>,
}

const HEADERS: [&str; COLUMNS] = ["benchmark", "clients", "per second", "p50 ms", "p95 ms", "p99 ms", "server CPU µs/request"];

impl Table {
    pub(super) fn add(&mut self, name: &str, clients: usize, found: &Found) {
        let [p50, p95, p99] = shares(&found.times);
        self.push([name.to_owned(), clients.to_string(), format!("{:.0}", found.per_second), p50, p95, p99, format!("{:.0}", found.cpu)]);
    }

    /// Times that are not those of requests, in milliseconds and sorted.
    pub(super) fn times(&mut self, name: &str, sorted: &[f64]) {
        let [p50, p95, p99] = shares(sorted);
        self.push([name.to_owned(), String::new(), String::new(), p50, p95, p99, String::new()]);
    }

    /// A figure that stands alone.
    pub(super) fn figure(&mut self, name: &str, figure: String) {
        let none = String::new;
        self.push([name.to_owned(), none(), figure, none(), none(), none(), none()]);
    }

    /// Tells the row at once, for whoever waits.
    fn push(&mut self, row: [String; COLUMNS]) {
        let cells: Vec<&str> = row.iter().map(String::as_str).filter(|cell| !cell.is_empty()).collect();
        eprintln!("{}", cells.join("  "));
        self.rows.push(row);
    }
}

fn shares(sorted: &[f64]) -> [String; 3] {
    [0.5, 0.95, 0.99].map(|share| format!("{:.2}", quantile(sorted, share)))
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).chain([HEADERS[column].chars().count()]).max().unwrap_or(0);
        let widths: [usize; COLUMNS] = std::array::from_fn(width);
        let mut line = |cells: [&str; COLUMNS]| {
            for (column, cell) in cells.iter().enumerate() {
                let fill = " ".repeat(widths[column].saturating_sub(cell.chars().count()));
                if column == 0 { write!(f, "{cell}{fill}")? } else { write!(f, "  {fill}{cell}")? }
            }
            writeln!(f)
        };
        line(HEADERS)?;
        for row in &self.rows {
            line(std::array::from_fn(|column| row[column].as_str()))?;
        }
        Ok(())
    }
}

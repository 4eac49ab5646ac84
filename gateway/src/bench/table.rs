//! The one table that comes out.

use super::load::{Found, quantile};
use std::fmt;

#[derive(Default)]
pub(super) struct Table {
    rows: Vec<[String; 6]>,
}

const HEADERS: [&str; 6] = ["benchmark", "clients", "per second", "p50 ms", "p95 ms", "server CPU µs/request"];

impl Table {
    pub(super) fn add(&mut self, name: &str, clients: usize, found: &Found) {
        let rate = format!("{:.0}", found.per_second);
        self.rows.push([name.to_owned(), clients.to_string(), rate, at(&found.times, 0.5), at(&found.times, 0.95), format!("{:.0}", found.cpu)]);
        self.tell();
    }

    /// Times that are not those of requests, in milliseconds and sorted.
    pub(super) fn times(&mut self, name: &str, sorted: &[f64]) {
        let none = String::new;
        self.rows.push([name.to_owned(), none(), none(), at(sorted, 0.5), at(sorted, 0.95), none()]);
        self.tell();
    }

    /// A figure that stands alone.
    pub(super) fn figure(&mut self, name: &str, figure: String) {
        let none = String::new;
        self.rows.push([name.to_owned(), none(), figure, none(), none(), none()]);
        self.tell();
    }

    /// The newest row, for whoever waits.
    fn tell(&self) {
        if let Some(row) = self.rows.last() {
            let cells: Vec<&str> = row.iter().map(String::as_str).filter(|cell| !cell.is_empty()).collect();
            eprintln!("{}", cells.join("  "));
        }
    }
}

fn at(sorted: &[f64], share: f64) -> String {
    format!("{:.2}", quantile(sorted, share))
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).chain([HEADERS[column].chars().count()]).max().unwrap_or(0);
        let widths: [usize; 6] = std::array::from_fn(width);
        let mut line = |cells: [&str; 6]| {
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

//! What this module refuses, with its stable reasons.

use steward_kernel::Code;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("another employee has this number")]
    NumberTaken,
    #[error("this user is employed already; end that employment first")]
    EmployedAlready,
    #[error("an employee of this name who starts on the same day exists already; set allow_duplicate to create another one")]
    SameName,
    #[error("the employment has ended already")]
    Ended,
    #[error("the employment has not ended")]
    NotEnded,
    #[error("the last day lies before the first one")]
    EndBeforeStart,
    #[error("the employment ended before this day")]
    StartAfterEnd,
    #[error("no salary is set")]
    NoSalary,
    #[error("this is the salary already")]
    SameSalary,
}

impl From<Error> for steward_kernel::Error {
    fn from(error: Error) -> Self {
        let (code, reason) = match error {
            Error::NumberTaken => (Code::Duplicate, "hr.number_taken"),
            Error::EmployedAlready => (Code::Duplicate, "hr.employed_already"),
            Error::SameName => (Code::Duplicate, "hr.same_name"),
            Error::Ended => (Code::Conflict, "hr.ended"),
            Error::NotEnded => (Code::Conflict, "hr.not_ended"),
            Error::EndBeforeStart => (Code::Conflict, "hr.end_before_start"),
            Error::StartAfterEnd => (Code::Conflict, "hr.start_after_end"),
            Error::NoSalary => (Code::Conflict, "hr.no_salary"),
            Error::SameSalary => (Code::Conflict, "hr.same_salary"),
        };
        Self::new(code, error.to_string()).because(reason)
    }
}

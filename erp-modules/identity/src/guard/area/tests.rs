//! The comparison alone; what is read of the database is tested with the commands.

use super::*;
use steward_kernel::ids;

const SCOPES: [Scope; 5] = [Scope::Own, Scope::Team, Scope::Department, Scope::Company, Scope::Tenant];

struct Somebody {
    user: Uuid,
    company: Uuid,
    department: Uuid,
}

impl Somebody {
    fn new() -> Self {
        Self { user: ids::fresh(), company: ids::fresh(), department: ids::fresh() }
    }
    fn owners(&self) -> Owners {
        Owners { users: vec![self.user], companies: vec![self.company], departments: vec![self.department], outside_departments: false }
    }
    fn area(&self) -> Area {
        Area { own: self.owners(), team: self.owners(), departments: vec![self.department], department_companies: vec![self.company] }
    }
    fn rights(&self) -> Rights {
        Rights { team: vec![self.user], departments: vec![self.department], companies: vec![self.company], ..Rights::default() }
    }
}

#[test]
fn nobody_reaches_what_a_stranger_reaches_but_at_the_width_of_the_tenant() {
    let (giver, stranger) = (Somebody::new(), Somebody::new());
    for wanted in SCOPES {
        for held in SCOPES {
            assert_eq!(stranger.area().is_within(wanted, held, giver.user, &giver.rights()), held == Scope::Tenant, "{wanted:?} given by {held:?}");
        }
    }
}

#[test]
fn everybody_reaches_what_he_reaches_himself_and_less_where_that_is_certain() {
    let giver = Somebody::new();
    for wanted in SCOPES {
        for held in SCOPES {
            // A department may hold rows of people who are not in the team.
            let reached = held >= wanted;
            assert_eq!(giver.area().is_within(wanted, held, giver.user, &giver.rights()), reached, "{wanted:?} given by {held:?}");
        }
    }
}

#[test]
fn rows_outside_of_every_department_are_in_no_width_of_a_department() {
    let giver = Somebody::new();
    let mut area = giver.area();
    area.own.outside_departments = true;
    assert!(!area.is_within(Scope::Own, Scope::Department, giver.user, &giver.rights()));
    assert!(area.is_within(Scope::Own, Scope::Company, giver.user, &giver.rights()));
}

//! The declarations hold together.

use crate::{Firm, modules};
use steward_kernel::command::ErasedCommand;
use steward_kernel::input;
use steward_migrations::Placement;

#[tokio::test]
async fn labels_are_complete_in_both_languages() {
    let firm = Firm::open(Placement::Pooled).await;
    let kernel = &firm.house.kernel;
    let missing: Vec<String> = kernel.labels.missing(&kernel.registry.catalogue);
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_command_decodes_what_its_schema_allows() {
    for module in modules() {
        for command in module.commands.iter().filter(|command| command.spec().name.starts_with("ai.")) {
            for full in [true, false] {
                let command: &dyn ErasedCommand = command.as_ref();
                command.check(input::example(&command.spec().inputs, full)).unwrap_or_else(|error| panic!("{}: {error}", command.spec().name));
            }
        }
    }
}

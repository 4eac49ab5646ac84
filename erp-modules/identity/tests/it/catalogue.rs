//! The declarations hold together.

use crate::{house, modules};
use steward_kernel::command::ErasedCommand;
use steward_kernel::input;

#[tokio::test]
async fn labels_are_complete_in_both_languages() {
    let house = house().await;
    let registry = &house.kernel.registry;
    assert_eq!(house.kernel.labels.missing(&registry.catalogue), Vec::<String>::new());
    assert_eq!(house.kernel.labels.missing_roles(registry.roles.iter().map(|role| role.name).chain(["administrator"])), Vec::<String>::new());
}

#[test]
fn every_command_decodes_what_its_schema_allows() {
    for module in modules() {
        for command in &module.commands {
            for full in [true, false] {
                let command: &dyn ErasedCommand = command.as_ref();
                let example = input::example(&command.spec().inputs, full);
                command.check(example).unwrap_or_else(|error| panic!("{}: {error}", command.spec().name));
            }
        }
    }
}

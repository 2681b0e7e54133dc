//! People of three outside providers, each with a way back of its own: another Postern, node-oidc-provider and pysaml2.
use crate::world::World;

#[test]
fn people_sign_in_elsewhere_and_end_at_the_application() {
    let world = World::new();
    world.drive("federation");
    let created: Vec<_> = world.events("account.created");
    assert_eq!(created.len(), 2, "{created:?}");
    assert_eq!(world.events("account.linked").len(), 1);
    let people = world.site.postern.run(&["user", "list"]);
    assert!(people.contains("dora@example.com") && people.contains("carol"), "{people}");
    // Whom nobody lets in has left nothing.
    assert!(!people.contains("mallory"), "{people}");
}

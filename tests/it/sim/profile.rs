//! What `--sim=` takes.

use rushes::simulator::{BadProfile, Profile, SimOptions};

#[test]
fn profiles_are_read_by_name_with_an_optional_seed() {
    for profile in Profile::ALL {
        assert_eq!(profile.name().parse(), Ok(SimOptions::new(profile)));
    }
    let storm = "storm:7".parse::<SimOptions>().unwrap();
    assert_eq!((storm.profile, storm.seed), (Profile::Storm, 7));
    assert_eq!("Storm".parse::<Profile>(), Err(BadProfile::Name("Storm".into())));
    assert_eq!("calm:x".parse::<SimOptions>(), Err(BadProfile::Seed("x".into())));
}

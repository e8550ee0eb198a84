//! Who should hold what: pure, and the same on every instance.

use std::collections::{BTreeMap, BTreeSet};

use bongsu_core::digest;

use crate::{
    commit::leases::{Member, Members},
    records::lease::Resource,
};

/// Rendezvous hashing with an even share: every resource goes to the slot that ranks highest for it, can do it,
/// and has not its share yet. Every instance computes the same from the same members.
pub(crate) fn assigned(resources: &[Resource], members: &Members, slot: &str) -> BTreeSet<Resource> {
    let mut mine = BTreeSet::new();
    let mut groups: BTreeMap<String, Vec<(&Resource, String)>> = BTreeMap::new();
    for resource in resources {
        let name = resource.to_string();
        let group = name.rsplit_once('/').map_or("", |(group, _)| group);
        groups.entry(group.to_owned()).or_default().push((resource, name));
    }
    for resources in groups.into_values() {
        let reads = resources.first().and_then(|(resource, _)| resource.reader());
        let able = |(_, member): &(&String, &Member)| reads.is_none_or(|reads| member.consumers.contains(reads));
        let able: Vec<&String> = members.iter().filter(able).map(|(slot, _)| slot).collect();
        let share = resources.len().div_ceil(able.len().max(1));
        let mut load: BTreeMap<&str, usize> = BTreeMap::new();
        for (resource, name) in resources {
            let open = able.iter().filter(|m| load.get(m.as_str()).is_none_or(|taken| *taken < share));
            let Some(owner) = open.max_by_key(|member| digest(&[&name, member])) else { continue };
            *load.entry(owner).or_default() += 1;
            if *owner == slot {
                mine.insert(resource.clone());
            }
        }
    }
    mine
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::broker::Partition;

    fn members(of: &[(&str, &[&str])]) -> Members {
        let member = |consumers: &[&str]| Member {
            incarnation: 1,
            consumers: consumers.iter().map(|name| (*name).to_owned()).collect(),
        };
        of.iter().map(|(slot, consumers)| ((*slot).to_owned(), member(consumers))).collect()
    }

    #[test]
    fn every_resource_has_exactly_one_owner_and_shares_are_even() {
        let resources: Vec<Resource> = (0..8).map(Resource::Shard).collect();
        for count in 1..=4 {
            let slots: Vec<String> = (0..count).map(|n| format!("s-{n}")).collect();
            let members = members(&slots.iter().map(|slot| (slot.as_str(), &[][..])).collect::<Vec<_>>());
            let shares: Vec<_> = slots.iter().map(|slot| assigned(&resources, &members, slot)).collect();
            assert_eq!(shares.iter().map(BTreeSet::len).sum::<usize>(), 8);
            assert_eq!(shares.iter().flatten().collect::<BTreeSet<_>>().len(), 8);
            assert!(shares.iter().all(|share| share.len() <= 8_usize.div_ceil(count)));
        }
    }

    #[test]
    fn a_lane_goes_only_to_a_build_that_has_its_reader() {
        let door = |index| Partition { topic: "door".into(), index };
        let lanes = |consumer: &str| (0..8).map(|n| Resource::lane(consumer, &door(n))).collect::<Vec<_>>();
        let members = members(&[("old", &["door@1", "both"]), ("new", &["door@2", "both"])]);
        let share = |consumer: &str, slot: &str| assigned(&lanes(consumer), &members, slot).len();
        assert_eq!((share("door@1", "old"), share("door@1", "new")), (8, 0));
        assert_eq!((share("door@2", "old"), share("door@2", "new")), (0, 8));
        assert_eq!((share("both", "old"), share("both", "new")), (4, 4));
    }
}

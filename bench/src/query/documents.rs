//! The documents of each work: constant texts, whose arguments are variables.
//!
//! Both sides give fields the same names in answers, so that one check reads the answers of both.

use std::collections::BTreeSet;

use super::settings::Work;

/// The number of droplets of a list.
pub(super) const LISTED: usize = 50;

/// The number of jobs of a droplet in `list-jobs`, at most.
pub(super) const NESTED: usize = 3;

/// The number of droplets of a page while arguments are collected.
pub(super) const WALKED: usize = 100;

/// The schema that documents are written for.
#[derive(Debug, Clone)]
pub(super) enum Dialect {
    /// Ours, with the fields of `Droplet` in the schema that the program serves.
    Ours { droplet: BTreeSet<String> },
    /// PostGraphile's preset `amber`.
    PostGraphile,
}

impl Dialect {
    /// The name of the variable of a work.
    pub(super) fn variable(work: Work) -> &'static str {
        match work {
            Work::List | Work::ListJobs | Work::ListTotal => "after",
            Work::ById => "id",
        }
    }

    /// The document of a work; `None` if the schema lacks a field that the work needs.
    pub(super) fn document(&self, work: Work) -> Option<String> {
        let fields = self.fields();
        let page = "pageInfo { hasNextPage endCursor }";
        Some(match work {
            Work::List => self.list(LISTED, &format!("nodes {{ {fields} }} {page}")),
            Work::ListJobs => {
                let jobs = self.jobs()?;
                self.list(LISTED, &format!("nodes {{ {fields} {jobs} }} {page}"))
            }
            Work::ListTotal => {
                self.list(LISTED, &format!("totalCount nodes {{ {fields} }} {page}"))
            }
            Work::ById => match self {
                Self::Ours { .. } => {
                    format!("query ById($id: ID!) {{ droplet(id: $id) {{ {fields} }} }}")
                }
                Self::PostGraphile => format!(
                    "query ById($id: UUID!) {{ droplet: dropletByRowId(rowId: $id) {{ {fields} }} }}"
                ),
            },
        })
    }

    /// The document that collects the arguments of works.
    pub(super) fn walk(&self) -> String {
        let id = match self {
            Self::Ours { .. } => "id",
            Self::PostGraphile => "id: rowId",
        };
        self.list(WALKED, &format!("edges {{ cursor node {{ {id} }} }}"))
    }

    fn list(&self, first: usize, selection: &str) -> String {
        match self {
            Self::Ours { .. } => format!(
                "query List($after: String) {{ droplets(first: {first}, after: $after) {{ {selection} }} }}"
            ),
            // Our lists are in this order.
            Self::PostGraphile => format!(
                "query List($after: Cursor) {{ droplets: allDroplets(first: {first}, after: $after, \
                 orderBy: [CREATED_AT_DESC, ROW_ID_DESC]) {{ {selection} }} }}"
            ),
        }
    }

    /// Eight plain fields of a droplet.
    fn fields(&self) -> String {
        match self {
            Self::Ours { droplet } => {
                // A schema may have objects of these names, and the slugs beside them.
                let slug = |name: &str| match format!("{name}Slug") {
                    slug if droplet.contains(&slug) => format!("{name}: {slug}"),
                    _ => name.to_owned(),
                };
                format!(
                    "id name status {} {} {} createdAt updatedAt",
                    slug("size"),
                    slug("region"),
                    slug("image")
                )
            }
            Self::PostGraphile => {
                "id: rowId name status size region image createdAt updatedAt".to_owned()
            }
        }
    }

    fn jobs(&self) -> Option<String> {
        match self {
            Self::Ours { droplet } => droplet
                .contains("jobs")
                .then(|| format!("jobs(first: {NESTED}) {{ nodes {{ id kind status }} }}")),
            Self::PostGraphile => Some(format!(
                "jobs: jobsByDropletId(first: {NESTED}, orderBy: [CREATED_AT_DESC, ROW_ID_DESC]) \
                 {{ nodes {{ id: rowId kind status }} }}"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(fields: &[&str]) -> Dialect {
        Dialect::Ours {
            droplet: fields.iter().map(|field| (*field).to_owned()).collect(),
        }
    }

    #[test]
    fn slugs_are_read_where_the_schema_has_them() {
        let old = ours(&["size", "region", "image"]).document(Work::List);
        assert!(old.unwrap().contains("status size region image"));
        let new = ours(&["size", "sizeSlug", "regionSlug", "image"]).document(Work::List);
        assert!(
            new.unwrap()
                .contains("size: sizeSlug region: regionSlug image")
        );
    }

    #[test]
    fn jobs_need_a_field_of_the_schema() {
        assert_eq!(ours(&[]).document(Work::ListJobs), None);
        assert!(ours(&["jobs"]).document(Work::ListJobs).is_some());
    }
}

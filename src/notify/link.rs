//! The dashboard's address with columns in it: `https://pay.example/tx/{transaction_id|url}`.

use super::escape::{Url, url_component};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DashboardLink(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Column(String),
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    #[error("the address must begin with https:// or http:// and a host")]
    NotHttp,
    #[error("a column in the address is written {{name|url}}")]
    Column,
    #[error("a column cannot stand in the host of the address")]
    HostFromData,
}

impl DashboardLink {
    /// # Errors
    /// When it is no http(s) address, or the host would come from data.
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            let (column, after) = after.split_once('}').ok_or(LinkError::Column)?;
            let name = column.strip_suffix("|url").unwrap_or(column);
            if name.is_empty() || name.contains(['|', '{']) {
                return Err(LinkError::Column);
            }
            parts.push(Part::Literal(literal.to_owned()));
            parts.push(Part::Column(name.to_owned()));
            rest = after;
        }
        if rest.contains('}') {
            return Err(LinkError::Column);
        }
        parts.push(Part::Literal(rest.to_owned()));
        let Some(Part::Literal(first)) = parts.first() else {
            return Err(LinkError::NotHttp);
        };
        let (_, host) = first.split_once("://").ok_or(LinkError::NotHttp)?;
        if parts.len() > 1 && !host.contains('/') {
            return Err(LinkError::HostFromData);
        }
        Url::new(first).ok_or(LinkError::NotHttp)?;
        Ok(Self(parts))
    }

    /// The columns it needs.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Column(name) => Some(name.as_str()),
        })
    }

    /// The address for one row; `None` if `value` does not know a column.
    #[must_use]
    pub fn url(&self, value: impl Fn(&str) -> Option<String>) -> Option<Url> {
        let mut url = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(literal) => url.push_str(literal),
                Part::Column(name) => url.push_str(&url_component(&value(name)?)),
            }
        }
        Url::new(&url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_percent_encoded_whatever_they_hold() {
        let link = DashboardLink::parse("https://pay.example/tx/{id|url}?tab=1&full").unwrap();
        let url = link.url(|_| Some("a|b>c d&e/../é<".to_owned())).unwrap();
        assert_eq!(
            url.plain(),
            "https://pay.example/tx/a%7Cb%3Ec%20d%26e%2F..%2F%C3%A9%3C?tab=1&full"
        );
        assert_eq!(
            url.as_str(),
            "https://pay.example/tx/a%7Cb%3Ec%20d%26e%2F..%2F%C3%A9%3C?tab=1&amp;full"
        );
        assert_eq!(link.url(|_| None), None);
        assert_eq!(link.columns().collect::<Vec<_>>(), ["id"]);
    }

    #[test]
    fn an_address_that_data_could_redirect_is_refused() {
        for (text, error) in [
            ("javascript:alert(1)", LinkError::NotHttp),
            ("pay.example/{id|url}", LinkError::NotHttp),
            ("https://{host|url}/x", LinkError::HostFromData),
            ("https://pay.{host|url}/x", LinkError::HostFromData),
            ("https://pay.example/{id", LinkError::Column),
            ("https://pay.example/id}", LinkError::Column),
            ("https://pay.example/{id|raw}", LinkError::Column),
            ("https://pay.example/{}", LinkError::Column),
        ] {
            assert_eq!(DashboardLink::parse(text), Err(error), "{text}");
        }
    }
}

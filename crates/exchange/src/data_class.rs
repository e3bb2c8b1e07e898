//! The kinds of sensitive data that are told apart, and sets of them.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! data_classes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $group:ident;)*) => {
        /// A kind of sensitive data.
        #[derive(
            Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
        )]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum DataClass { $($(#[$doc])* $variant,)* }

        impl DataClass {
            /// All classes.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name, as in an endpoint's `data`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The group.
            #[must_use]
            pub const fn group(self) -> DataGroup {
                match self { $(Self::$variant => DataGroup::$group,)* }
            }
        }
    };
}

/// What a data class is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DataGroup {
    /// How to reach somebody.
    Contact,
    /// About somebody's health.
    Health,
    /// Numbers by which states know people.
    Identity,
    /// Where somebody is in a network.
    Network,
    /// Money.
    Payment,
    /// What opens doors.
    Secret,
}

data_classes! {
    /// Bank routing number of the United States.
    AbaRouting = "aba_routing", Payment;
    /// India's identity number.
    Aadhaar = "aadhaar", Identity;
    /// A postal address.
    Address = "address", Contact;
    /// Access key id of Amazon Web Services.
    AwsAccessKey = "aws_access_key", Secret;
    /// Secret access key of Amazon Web Services.
    AwsSecretKey = "aws_secret_key", Secret;
    /// Bank identifier code.
    Bic = "bic", Payment;
    /// The Netherlands' citizen number.
    Bsn = "bsn", Identity;
    /// Bitcoin address.
    BtcAddress = "btc_address", Payment;
    /// Italy's tax code.
    CodiceFiscale = "codice_fiscale", Identity;
    /// A URL with user and password.
    ConnectionString = "connection_string", Secret;
    /// Brazil's tax number of persons.
    Cpf = "cpf", Identity;
    /// A card's verification code.
    Cvv = "cvv", Payment;
    /// Date of birth.
    DateOfBirth = "date_of_birth", Identity;
    /// Spain's identity number.
    Dni = "dni", Identity;
    /// Electronic mail address.
    Email = "email", Contact;
    /// Ethereum address.
    EthAddress = "eth_address", Payment;
    /// A token of GitHub's.
    GithubToken = "github_token", Secret;
    /// A key of Google's interfaces.
    GoogleApiKey = "google_api_key", Secret;
    /// International bank account number.
    Iban = "iban", Payment;
    /// A diagnosis by the International Classification of Diseases.
    Icd10 = "icd10", Health;
    /// IPv4 address.
    Ipv4 = "ipv4", Network;
    /// IPv6 address.
    Ipv6 = "ipv6", Network;
    /// JSON Web Token.
    Jwt = "jwt", Secret;
    /// Hardware address.
    Mac = "mac", Network;
    /// Number of the British health service.
    Nhs = "nhs", Health;
    /// British insurance number.
    Nino = "nino", Identity;
    /// France's social security number.
    Nir = "nir", Identity;
    /// Provider identifier of the United States.
    Npi = "npi", Health;
    /// Payment card number.
    Pan = "pan", Payment;
    /// Passport number.
    Passport = "passport", Identity;
    /// A password.
    Password = "password", Secret;
    /// A password's hash.
    PasswordHash = "password_hash", Secret;
    /// Name of a person.
    PersonName = "person_name", Contact;
    /// Sweden's personal number.
    Personnummer = "personnummer", Identity;
    /// Poland's identity number.
    Pesel = "pesel", Identity;
    /// Telephone number.
    Phone = "phone", Contact;
    /// A private key.
    PrivateKey = "private_key", Secret;
    /// Canada's insurance number.
    Sin = "sin", Identity;
    /// A token of Slack's.
    SlackToken = "slack_token", Secret;
    /// Social security number of the United States.
    Ssn = "ssn", Identity;
    /// Germany's tax number of persons.
    SteuerId = "steuer_id", Identity;
    /// A secret key of Stripe's.
    StripeKey = "stripe_key", Secret;
}

impl fmt::Display for DataClass {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// A set of data classes, one bit each.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(transparent)]
pub struct DataClasses(u64);

const _: () = assert!(DataClass::ALL.len() <= 64, "`DataClasses` has a bit per class");

impl DataClasses {
    /// No class.
    pub const NONE: Self = Self(0);

    /// True when the set is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The same by reference, as serialization asks it.
    pub(crate) const fn is_none(&self) -> bool {
        self.0 == 0
    }

    /// Adds a class.
    pub const fn insert(&mut self, class: DataClass) {
        self.0 |= 1 << class as u8;
    }

    /// Both sets.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// True when the class is in the set.
    #[must_use]
    pub const fn has(self, class: DataClass) -> bool {
        self.0 >> class as u8 & 1 == 1
    }

    /// The classes in the set, in the order of [`DataClass::ALL`].
    pub fn iter(self) -> impl Iterator<Item = DataClass> {
        DataClass::ALL.iter().copied().filter(move |class| self.has(*class))
    }
}

impl FromIterator<DataClass> for DataClasses {
    fn from_iter<I: IntoIterator<Item = DataClass>>(classes: I) -> Self {
        let mut set = Self::NONE;
        classes.into_iter().for_each(|class| set.insert(class));
        set
    }
}

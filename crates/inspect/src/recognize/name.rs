//! What a field's name promises. The last words decide: `emailVerified`, `phoneType`, `cardId` and
//! `passwordPolicy` promise nothing, whatever stands in front of them.

/// What the name of a value says about it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum Hint {
    /// Nothing that is known.
    None,
    /// An id, a count, a state, a time: whatever passes a check digit there does so by chance.
    Plain,
    /// A version number.
    Version,
    Aadhaar,
    Aba,
    Address,
    AwsSecret,
    Bic,
    Bsn,
    Btc,
    Card,
    CodiceFiscale,
    Cpf,
    Cvv,
    DateOfBirth,
    Dni,
    Ethereum,
    GivenName,
    Icd10,
    Ip,
    Mac,
    /// The number by which some state knows a person, without saying which.
    NationalId,
    Nhs,
    Nino,
    Nir,
    Npi,
    Passport,
    Password,
    PasswordHash,
    Person,
    Personnummer,
    Pesel,
    Phone,
    Sin,
    Ssn,
    SteuerId,
}

impl Hint {
    /// Reads a name in any spelling: `dateOfBirth`, `date_of_birth`, `DATE-OF-BIRTH`.
    pub(crate) fn of(name: &str) -> Self {
        let name = name.as_bytes();
        let hint = suffix(name);
        if hint != Self::None {
            return hint;
        }
        // `address2`, `emails`, `addresses`
        let end = name.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |at| at + 1);
        let stem = &name[..end];
        if end < name.len() {
            return suffix(stem);
        }
        match stem {
            [stem @ .., b'e', b's'] if suffix(stem) != Self::None => suffix(stem),
            [stem @ .., b's' | b'S'] => suffix(stem),
            _ => Self::None,
        }
    }
}

/// Looks up every run of whole words at the end of the name; the longest that is known decides.
fn suffix(name: &[u8]) -> Hint {
    if name.iter().all(u8::is_ascii_lowercase) {
        // one word, as most names are
        let hash = name.iter().rev().fold(SEED, |hash, byte| mix(hash, *byte));
        return look_up(hash).unwrap_or(Hint::None);
    }
    let mut hash = SEED;
    let mut found = Hint::None;
    for (at, &byte) in name.iter().enumerate().rev() {
        if !byte.is_ascii_alphanumeric() {
            continue;
        }
        hash = mix(hash, byte.to_ascii_lowercase());
        let before = at.checked_sub(1).map(|at| name[at]);
        if begins_word(before, byte, name.get(at + 1).copied())
            && let Some(hint) = look_up(hash)
        {
            found = hint;
        }
    }
    found
}

fn begins_word(before: Option<u8>, byte: u8, after: Option<u8>) -> bool {
    let Some(before) = before else { return true };
    if !before.is_ascii_alphanumeric() || before.is_ascii_digit() != byte.is_ascii_digit() {
        return true;
    }
    let lower_after = after.is_some_and(|byte| byte.is_ascii_lowercase());
    byte.is_ascii_uppercase() && (before.is_ascii_lowercase() || lower_after)
}

const SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// One step of FNV-1a, over the bytes from the last to the first.
const fn mix(hash: u64, byte: u8) -> u64 {
    (hash ^ byte as u64).wrapping_mul(0x0100_0000_01b3)
}

const SLOTS: usize = 1 << 10;

/// An open hash table of [`PHRASES`], made at compile time. A hash of 64 bits stands for the words:
/// among some hundred of them no two are alike, and no name is sent to find one that is.
static TABLE: [(u64, Hint); SLOTS] = {
    let mut table = [(0, Hint::None); SLOTS];
    let mut group = 0;
    while group < PHRASES.len() {
        let (hint, words) = PHRASES[group];
        let bytes = words.as_bytes();
        // words are read backwards, as names are
        let mut at = bytes.len();
        let mut hash = SEED;
        while at > 0 {
            at -= 1;
            if bytes[at] != b' ' {
                hash = mix(hash, bytes[at]);
            }
            if at == 0 || bytes[at - 1] == b' ' {
                let mut slot = slot(hash);
                while table[slot].0 != 0 {
                    assert!(table[slot].0 != hash, "a phrase stands twice in PHRASES");
                    slot = (slot + 1) % SLOTS;
                }
                table[slot] = (hash, hint);
                hash = SEED;
            }
        }
        group += 1;
    }
    table
};

const fn slot(hash: u64) -> usize {
    (hash >> 40) as usize % SLOTS
}

fn look_up(hash: u64) -> Option<Hint> {
    let mut slot = slot(hash);
    loop {
        match TABLE[slot] {
            (0, _) => return None,
            (known, hint) if known == hash => return Some(hint),
            _ => slot = (slot + 1) % SLOTS,
        }
    }
}

/// Phrases with their words run together, so that `firstname`, `firstName` and `first_name` are
/// one. English, and what the states and languages call their own.
const PHRASES: &[(Hint, &str)] = &[
    (
        Hint::Person,
        "fullname realname personname contactname customername clientname patientname \
         cardholdername cardholder nameoncard accountholder accountholdername holdername \
         ownername recipientname recipient payeename payername beneficiaryname employeename \
         membername passengername guestname studentname tenantname legalname billingname \
         shippingname receivername sendername authorname doctorname physicianname \
         emergencycontactname subscribername borrowername applicantname signatoryname \
         inhaber kontoinhaber karteninhaber \
         titular titulaire intestatario nombrecompleto nomcomplet nomecompleto vollername \
         vollstaendigername",
    ),
    (
        Hint::GivenName,
        "firstname lastname surname givenname familyname middlename maidenname fname lname \
         forename secondname birthname vorname nachname familienname prenom nomdefamille \
         apellido apellidos primernombre cognome sobrenome fornamn efternamn voornaam \
         achternaam imie nazwisko",
    ),
    (
        Hint::Phone,
        "phone telephone mobile cellphone cell phonenumber telephonenumber mobilenumber \
         mobilephone cellnumber tel telno phoneno mobileno fax faxnumber msisdn contactnumber \
         homephone workphone whatsapp telefon telefonnummer handynummer telefono telefone \
         celular portable telefoonnummer mobilnummer",
    ),
    (
        Hint::Address,
        "address addr streetaddress street addressline line1 line2 homeaddress postaladdress \
         mailingaddress billingaddress shippingaddress deliveryaddress residentialaddress \
         residence fulladdress anschrift adresse strasse direccion domicilio indirizzo endereco \
         adres adress",
    ),
    (
        Hint::DateOfBirth,
        "dateofbirth dob birthdate birthday birthdt bdate borndate bornon geburtsdatum \
         datenaissance datedenaissance fechanacimiento fechadenacimiento datadinascita \
         datanascita datadenascimento datanascimento geboortedatum dataurodzenia fodelsedatum",
    ),
    (
        Hint::Card,
        "pan card cardnumber cardno cardnum ccnumber ccnum ccno cc creditcard creditcardnumber \
         creditcardno debitcard debitcardnumber paymentcard paymentcardnumber primaryaccountnumber \
         kartennummer kreditkartennummer numerocarte numerotarjeta numerocartao",
    ),
    (Hint::Cvv, "cvv cvc cvn cvv2 cvc2 cid csc securitycode cardsecuritycode cardcvv cardcvc"),
    (Hint::Bic, "bic swift biccode swiftcode swiftbic bicswift bankidentifiercode"),
    (
        Hint::Aba,
        "aba abarouting routing routingnumber routingno abanumber routingtransitnumber rtn \
         bankroutingnumber",
    ),
    (
        Hint::Ssn,
        "ssn socialsecuritynumber socialsecurity socialsecurityno ssnumber ssnnumber itin \
         taxpayerid",
    ),
    (
        Hint::Sin,
        "sin socialinsurancenumber sinnumber socialinsurance sinno numeroassurancesociale nas",
    ),
    (Hint::Nhs, "nhs nhsnumber nhsno nhsid"),
    (Hint::Nino, "nino nationalinsurancenumber nationalinsurance ninumber nationalinsuranceno"),
    (Hint::Npi, "npi npinumber nationalprovideridentifier providernpi npiid"),
    (
        Hint::Icd10,
        "icd10 icd icdcode icd10code icd10cm diagnosis diagnosiscode diagnose diagnosecode dxcode \
         primarydiagnosis",
    ),
    (
        Hint::Passport,
        "passport passportnumber passportno passportnum passportid reisepass reisepassnummer \
         pasaporte numeropasaporte passeport",
    ),
    (Hint::Aadhaar, "aadhaar aadhar aadhaarnumber aadharnumber aadhaarno uidai"),
    (Hint::Bsn, "bsn burgerservicenummer bsnnummer bsnnumber sofinummer"),
    (Hint::CodiceFiscale, "codicefiscale codfiscale codfisc"),
    (Hint::Cpf, "cpf cpfnumber numerocpf cpfcnpj"),
    (
        Hint::Dni,
        "dni nif nie dninumber documentonacional numerodni documentoidentidad \
         documentoidentidade documentodeidentidad",
    ),
    (
        Hint::Nir,
        "nir insee numeross numerosecuritesociale numerosecu numsecu securitesociale \
         nirnumber",
    ),
    (Hint::Personnummer, "personnummer personnr personalnumber samordningsnummer"),
    (Hint::Pesel, "pesel peselnumber numerpesel nrpesel"),
    (
        Hint::SteuerId,
        "steuerid steueridnr steueridentifikationsnummer steuernummer idnr identifikationsnummer \
         steueridentnr",
    ),
    (
        Hint::NationalId,
        "nationalid nationalidnumber nationalidentifier nationalidentitynumber personalid \
         personalidnumber personalidentitynumber citizenid citizennumber taxid taxnumber tin \
         taxidnumber idnumber idcard idcardnumber identitynumber identitycard governmentid \
         identificationnumber personnumber fiscalcode taxcode identitydocument",
    ),
    (
        Hint::Password,
        "password passwd pwd passphrase userpassword adminpassword newpassword oldpassword \
         currentpassword dbpassword plainpassword passwort kennwort contrasena motdepasse senha \
         wachtwoord haslo losenord",
    ),
    (
        Hint::PasswordHash,
        "passwordhash hashedpassword pwdhash passwordhashed encryptedpassword passwordencrypted \
         passhash passworddigest pwhash",
    ),
    (
        Hint::AwsSecret,
        "secretaccesskey awssecretaccesskey awssecretkey awssecret secretkey accesskeysecret \
         awssecretaccess",
    ),
    (Hint::Btc, "btc bitcoin btcaddress bitcoinaddress bitcoinwallet btcwallet"),
    (Hint::Ethereum, "eth ethereum ethaddress ethereumaddress ethwallet walletaddress wallet"),
    (
        Hint::Ip,
        "ip ipaddress ipaddr ipv4 ipv6 ipv4address ipv6address clientip remoteip sourceip \
         remoteaddr remoteaddress clientaddress lastip loginip lastloginip destip serverip \
         hostip userip sourceipaddress lastipaddress",
    ),
    (Hint::Mac, "mac macaddress macaddr hwaddr hardwareaddress ethernetaddress bssid"),
    (
        Hint::Version,
        "version ver firmware firmwareversion appversion build release revision semver \
         osversion softwareversion clientversion apiversion sdkversion",
    ),
    (
        Hint::Plain,
        "id uuid guid oid uid type kind status state count total amount price cost quantity qty \
         size length width height weight at time timestamp date day month year hour created \
         updated modified millis micros nanos epoch url uri href link path file filename verified \
         valid validated enabled disabled active required optional policy format label title \
         description comment code sku ean ean13 upc gtin isbn asin barcode imei imsi iccid serial \
         serialnumber tracking trackingnumber order orderid ordernumber orderno invoice \
         invoicenumber reference referencenumber index position rank hash checksum etag digest \
         sha sha1 sha256 md5 commit cursor offset limit page trace traceid span spanid \
         session sessionid nonce seed hint reset changed changes expires expiry expiration \
         strength method provider brand network country currency language locale timezone city \
         region mask masked last4 prefix suffix domain host hostname template score rate \
         ratio level color colour slug tag category sequence seq snowflake requestid ticket \
         ticketnumber partnumber model part batch lot transaction transactionid",
    ),
];

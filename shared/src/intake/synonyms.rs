//! The names that columns have in other people's files: English, German, French, Italian, Spanish.
//!
//! A name is compared without case, accents, spaces and punctuation. The names of the template come
//! first, so that they are never taken for anything else.

use super::header::Column;

/// A name as it is looked up: lower case, letters and digits only, accents taken off.
pub(super) fn folded(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for character in name.chars().flat_map(char::to_lowercase) {
        match character {
            'à' | 'á' | 'â' | 'ä' | 'ã' => folded.push('a'),
            'è' | 'é' | 'ê' | 'ë' => folded.push('e'),
            'ì' | 'í' | 'î' | 'ï' => folded.push('i'),
            'ò' | 'ó' | 'ô' | 'ö' => folded.push('o'),
            'ù' | 'ú' | 'û' | 'ü' => folded.push('u'),
            'ñ' => folded.push('n'),
            'ç' => folded.push('c'),
            'ß' => folded.push_str("ss"),
            character if character.is_alphanumeric() => folded.push(character),
            _ => {}
        }
    }
    folded
}

/// The column of a name, where it has one.
pub(super) fn column(name: &str) -> Option<Column> {
    let name = folded(name);
    let by_template = Column::ALL.into_iter().find(|column| folded(column.name()) == name);
    by_template.or_else(|| {
        SYNONYMS
            .iter()
            .find(|(_, names)| names.split_whitespace().any(|known| known == name))
            .map(|(column, _)| *column)
    })
}

/// Whether a column is one that exports have and a migration does not need.
pub(super) fn is_beside_the_point(name: &str) -> bool {
    let name = folded(name);
    BESIDE_THE_POINT.split_whitespace().any(|known| known == name)
}

const SYNONYMS: [(Column, &str); 8] = [
    (
        Column::Email,
        "mail emailaddress mailaddress address mailbox sourceemail sourceaddress sourcemailbox oldemail
         emailadresse mailadresse adresse postfach mailkonto quelladresse altemail altemailadresse
         courriel adressecourriel adresseelectronique adresseemail adressemail boiteauxlettres boitemail messagerie
         indirizzo indirizzoemail indirizzomail casella caselladiposta postaelettronica
         correo correoelectronico direcciondecorreo direccioncorreo direccion buzon cuentadecorreo",
    ),
    (
        Column::Password,
        "pass passwd pwd pw secret sourcepassword oldpassword emailpassword mailpassword imappassword passphrase
         passwort kennwort emailpasswort mailpasswort altespasswort quellpasswort passwortalt
         motdepasse mdp ancienmotdepasse motdepassesource codesecret
         parolachiave passworddorigine vecchiapassword passwordvecchia
         contrasena clave contrasenaorigen contrasenaantigua claveorigen",
    ),
    (
        Column::SourceHost,
        "host hostname server imap imapserver imaphost sourceserver sourceimapserver oldserver mailserver incomingserver
         imapservername servername quellserver altserver alterserver altermailserver posteingangsserver eingangsserver
         serveur serveurimap serveursource ancienserveur serveurentrant hote serveurdemessagerie serveurmail
         serverimap serverdorigine vecchioserver serverposta serverdiposta serverinentrata
         servidor servidorimap servidororigen servidorantiguo servidordecorreo servidordeentrada anfitrion",
    ),
    (
        Column::Port,
        "imapport sourceport serverport portnumber portnummer quellport portimap portsource porta portaimap numerodiporta
         puerto puertoimap puertoorigen numerodeport numeroport",
    ),
    (
        Column::Security,
        "ssl tls ssltls tlsssl encryption connectionsecurity secure protocol sslrequired usessl
         verschlusselung verschluesselung sicherheit verbindungssicherheit
         securite chiffrement cryptage sicurezza crittografia cifratura seguridad cifrado",
    ),
    (
        Column::SourceUser,
        "user username login loginname userid sourceusername sourcelogin imapuser imapusername imaplogin account
         benutzer benutzername anmeldename nutzername quellbenutzer konto kontoname kennung
         utilisateur nomdutilisateur identifiant compte nomutilisateur
         utente nomeutente accountdorigine usuario nombredeusuario usuarioorigen cuenta",
    ),
    (
        Column::DestinationEmail,
        "destination destinationaddress destinationmailbox target targetemail targetaddress targetmailbox newemail newaddress
         newmailbox toemail ziel zieladresse zielemail zielpostfach neueemail neueadresse neueemailadresse neuespostfach
         nouvelleadresse nouveaucourriel adressededestination emaildestination boitededestination
         destinazione indirizzodestinazione nuovoindirizzo nuovaemail emaildestinazione casellanuova
         destino correodestino nuevocorreo nuevadireccion buzondestino",
    ),
    (
        Column::DestinationPassword,
        "newpassword targetpassword topassword destinationpass neuespasswort neueskennwort zielpasswort passwortneu
         nouveaumotdepasse motdepassedestination nuovapassword passworddestinazione passwordnuova
         nuevacontrasena contrasenadestino contrasenanueva nuevaclave",
    ),
];

const BESIDE_THE_POINT: &str = "
    name firstname lastname surname fullname displayname comment comments note notes remark remarks quota size department
    vorname nachname anzeigename kommentar bemerkung bemerkungen notiz notizen abteilung grosse speicherplatz
    nom prenom nomcomplet commentaire remarque remarques service taille
    nome cognome nomecompleto commento osservazioni reparto dimensione
    nombre apellido apellidos nombrecompleto comentario comentarios nota notas observaciones departamento tamano no nr number";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_names_are_known_whatever_their_spelling() {
        for (name, expected) in [
            ("E-Mail-Adresse", Column::Email),
            ("Adresse électronique", Column::Email),
            ("Correo electrónico", Column::Email),
            ("Indirizzo e-mail", Column::Email),
            ("Mot de passe", Column::Password),
            ("Contraseña", Column::Password),
            ("Kennwort", Column::Password),
            ("IMAP-Server", Column::SourceHost),
            ("Serveur IMAP", Column::SourceHost),
            ("Hôte", Column::SourceHost),
            ("Puerto", Column::Port),
            ("Verschlüsselung", Column::Security),
            ("Nom d'utilisateur", Column::SourceUser),
            ("Nome utente", Column::SourceUser),
            ("Neue E-Mail-Adresse", Column::DestinationEmail),
            ("Nuova password", Column::DestinationPassword),
            ("destination-password", Column::DestinationPassword),
        ] {
            assert_eq!(column(name), Some(expected), "{name}");
        }
        assert!(is_beside_the_point("Vorname") && is_beside_the_point("Display name"));
    }

    /// The page checks a file before it is sent, so it has to know the same names.
    #[test]
    fn the_page_knows_the_same_names() {
        let page = include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../functions/page/assets/columns.js"
        ));
        let behind = |start: &str| {
            let (_, rest) = page.split_once(start).unwrap_or_else(|| panic!("{start} is missing"));
            let (names, _) = rest.split_once('`').unwrap();
            names.split_whitespace().collect::<Vec<_>>()
        };
        for (column, names) in SYNONYMS {
            let start = format!("\n  {}: `", column.name());
            assert_eq!(behind(&start), names.split_whitespace().collect::<Vec<_>>());
        }
        let beside: Vec<_> = BESIDE_THE_POINT.split_whitespace().collect();
        assert_eq!(behind("BESIDE_THE_POINT = `"), beside);
        let columns = page.matches(": `").count();
        assert_eq!(columns, Column::ALL.len());
    }

    #[test]
    fn no_name_has_two_meanings() {
        let mut seen = std::collections::HashMap::new();
        let synonyms = SYNONYMS
            .iter()
            .flat_map(|(column, names)| names.split_whitespace().map(move |name| (name, Some(*column))));
        let others = BESIDE_THE_POINT.split_whitespace().map(|name| (name, None));
        for (name, meaning) in synonyms.chain(others) {
            assert_eq!(folded(name), name);
            assert_eq!(seen.insert(name, meaning), None, "{name}");
            assert!(Column::ALL.iter().all(|column| folded(column.name()) != name), "{name}");
        }
    }
}

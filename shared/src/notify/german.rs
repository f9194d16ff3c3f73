//! In German: what the rest of the service says in English.
//!
//! Faults and failures are stored with a code and an English sentence. Where there is a German one for
//! the code it is shown instead; a code there is none for keeps its English words.

use crate::domain::check::CheckCode;
use crate::domain::{CheckFault, Fault, FaultCode};

const DAYS: [&str; 7] = [
    "Montag",
    "Dienstag",
    "Mittwoch",
    "Donnerstag",
    "Freitag",
    "Samstag",
    "Sonntag",
];
const MONTHS: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

/// A day and a time: `Mittwoch, 25. November 2026, 22:00 Uhr`.
pub(super) fn day_and_time(at: &jiff::Zoned) -> String {
    let day = usize::try_from(at.weekday().to_monday_zero_offset()).unwrap_or_default();
    let month = usize::try_from(at.month()).unwrap_or_default().saturating_sub(1);
    format!(
        "{}, {}. {} {}, {} Uhr",
        DAYS.get(day).unwrap_or(&""),
        at.day(),
        MONTHS.get(month).unwrap_or(&""),
        at.year(),
        at.strftime("%H:%M")
    )
}

/// What is wrong with a row, and what to do about it.
pub(super) fn fault(fault: &Fault) -> &'static str {
    match fault.code {
        FaultCode::FileTooLarge => "Die Datei ist zu groß. Teilen Sie sie auf mehrere Aufträge auf.",
        FaultCode::MissingHeader => "Die erste Zeile nennt keine Spalten. Beginnen Sie mit der Vorlage.",
        FaultCode::NoRows => {
            "In der Datei ist kein Postfach: Tragen Sie unter der ersten Zeile in jede Zeile eines ein."
        }
        FaultCode::TooManyRows => {
            "Zu viele Zeilen: Diese und alle folgenden wurden nicht gelesen. Nehmen Sie für sie einen zweiten Auftrag."
        }
        FaultCode::MissingColumn => "Diese Spalte fehlt. Beginnen Sie mit der Vorlage.",
        FaultCode::UnknownColumn => {
            "Diese Spalte ist nicht bekannt. Benennen Sie sie wie in der Vorlage oder löschen Sie sie."
        }
        FaultCode::DuplicateColumn => "Diese Spalte ist zweimal da. Löschen Sie eine davon.",
        FaultCode::MalformedCsv => {
            "Die Anführungszeichen dieser Zeile passen nicht zusammen. Ein Wert in Anführungszeichen beginnt und endet mit einem; eines im Wert wird doppelt geschrieben."
        }
        FaultCode::TooManyCells => {
            "Die Zeile hat mehr Zellen als die erste Zeile Namen. Ein Wert, in dem ein Trennzeichen steht, oft ein Passwort, gehört in Anführungszeichen."
        }
        FaultCode::EmptyValue => "Das fehlt.",
        FaultCode::TooLong => {
            "Das ist zu lang. Suchen Sie nach einem überzähligen Anführungszeichen und kürzen Sie es."
        }
        FaultCode::BadCharacter => {
            "Darin ist ein unsichtbares Zeichen, etwa ein Zeilenumbruch oder Tabulator. Tippen Sie es neu ein."
        }
        FaultCode::BadAddress => "Das ist keine vollständige Adresse. Schreiben Sie sie wie anna@example.com.",
        FaultCode::BadHost => {
            "Das ist kein Name eines Servers. Die Hilfeseiten des bisherigen Anbieters nennen seinen IMAP-Server."
        }
        FaultCode::BadPort => {
            "Das ist kein Port. Schreiben Sie eine Zahl von 1 bis 65535 oder lassen Sie das Feld leer."
        }
        FaultCode::BadSecurity => "Schreiben Sie tls oder starttls, oder lassen Sie das Feld leer.",
        FaultCode::PlaintextRefused => {
            "Das Passwort ginge unverschlüsselt durchs Netz, das ist nicht erlaubt. Schreiben Sie tls oder starttls."
        }
        FaultCode::DuplicateMailbox => {
            "Dasselbe Postfach steht schon in einer früheren Zeile. Löschen Sie eine der beiden."
        }
        FaultCode::DuplicateDestination => {
            "Eine frühere Zeile geht in dasselbe neue Postfach. Geben Sie jeder Zeile ein eigenes, oder löschen Sie eine."
        }
        FaultCode::NotPermitted => {
            "Ihre Erlaubnis gilt für andere Postfächer. Nennen Sie ein Zielpostfach, für das sie gilt, oder bitten Sie Ihren neuen Anbieter um eine weitere."
        }
        FaultCode::ExampleRow => {
            "Das ist das Beispiel aus der Vorlage. Überschreiben Sie es mit einem Ihrer Postfächer, oder löschen Sie die Zeile."
        }
        FaultCode::UnknownEncoding => {
            "Die Datei hat Buchstaben, die sich nicht lesen lassen. Speichern Sie sie noch einmal und wählen Sie als Format „CSV UTF-8“."
        }
        FaultCode::UnsupportedFile => {
            "Das ist weder eine CSV-Datei noch eine Excel-Datei (.xlsx). Speichern Sie die Tabelle so, oder beginnen Sie mit der Vorlage."
        }
        FaultCode::EncryptedWorkbook => {
            "Die Datei hat ein Passwort oder das alte Format .xls. Nehmen Sie das Passwort heraus und speichern Sie sie als .xlsx."
        }
        FaultCode::UnreadableWorkbook => {
            "Das ist keine Excel-Datei, die sich lesen lässt. Öffnen Sie sie und speichern Sie sie noch einmal als .xlsx."
        }
        FaultCode::SeveralSheets => {
            "In mehr als einem Blatt steht etwas: Schreiben Sie alle Postfächer in eines und löschen Sie die anderen."
        }
        FaultCode::SpreadsheetOverflow => {
            "Hier steht nur ####, was Tabellenprogramme in einer zu schmalen Spalte zeigen. Machen Sie die Spalte breiter und speichern Sie die Datei noch einmal."
        }
        FaultCode::SpreadsheetError => {
            "Eine Formel hat hier kein Ergebnis. Schreiben Sie den Wert selbst in die Zelle."
        }
        FaultCode::AlteredBySpreadsheet => {
            "Das Tabellenprogramm hat dies für eine Zahl oder ein Datum gehalten und vielleicht verändert. Geben Sie der Spalte das Format Text und tippen Sie den Wert neu ein."
        }
        FaultCode::TypographicQuotes => {
            "Das steht in typografischen Anführungszeichen. Nehmen Sie sie weg, oder schreiben Sie gerade um den Wert."
        }
        FaultCode::Formula => {
            "Das ist eine Formel, deren Ergebnis veraltet sein kann. Kopieren Sie die Spalte und fügen Sie sie als Werte ein."
        }
        FaultCode::ContradictoryPort => {
            "Dieser Port und diese Verschlüsselung passen nicht zusammen: 993 gehört zu tls, 143 zu starttls. Ändern Sie eines davon, oder lassen Sie beide leer."
        }
        FaultCode::ContradictoryRows => {
            "Dasselbe Postfach steht schon in einer früheren Zeile, mit anderen Werten. Stellen Sie fest, welche stimmt, und löschen Sie die andere."
        }
    }
}

/// What a check found, and what to do about it.
pub(super) fn check(fault: &CheckFault) -> String {
    let words = match fault.code {
        CheckCode::SourceNotFound => {
            "Beim alten Anbieter ließ sich kein Server finden. Schreiben Sie seinen Namen; die Hilfeseiten des alten Anbieters nennen ihn."
        }
        CheckCode::SourceUnknownHost => "Diesen Server gibt es nicht. Prüfen Sie seinen Namen.",
        CheckCode::SourceForbiddenAddress => {
            "Dieser Server liegt in einem Netz, mit dem wir uns nicht verbinden. Nennen Sie den Server, der aus dem Internet zu erreichen ist."
        }
        CheckCode::SourceConnectionRefused => {
            "Der alte Server nimmt auf diesem Port keine Verbindung an. Prüfen Sie Namen und Port; üblich ist 993."
        }
        CheckCode::SourceUnreachable => "Der alte Server ist nicht zu erreichen. Prüfen Sie Namen und Port.",
        CheckCode::SourceNotImap => "Dort antwortet kein IMAP-Server. Prüfen Sie Namen und Port; üblich ist 993.",
        CheckCode::SourceNotTls => {
            "Auf diesem Port wird nicht verschlüsselt. Versuchen Sie Port 993 mit TLS oder 143 mit STARTTLS."
        }
        CheckCode::SourceNoStarttls => {
            "Auf diesem Port wird keine Verschlüsselung angeboten. Versuchen Sie Port 993 mit TLS."
        }
        CheckCode::SourcePlaintextRefused => "Ohne Verschlüsselung verbinden wir uns nicht. Wählen Sie TLS.",
        CheckCode::SourceWrongName => {
            "Das Zertifikat des alten Servers gilt für einen anderen Namen. Nehmen Sie den Namen, für den es gilt."
        }
        CheckCode::SourceCertificateExpired => {
            "Das Zertifikat des alten Servers ist abgelaufen. Bitten Sie den alten Anbieter, es zu erneuern."
        }
        CheckCode::SourceCertificateUntrusted => {
            "Dem Zertifikat des alten Servers lässt sich nicht trauen. Fragen Sie den alten Anbieter nach dem richtigen Server."
        }
        CheckCode::SourceWrongPassword => {
            "Der alte Server hat Benutzername oder Passwort abgelehnt. Prüfen Sie es, indem Sie sich dort im Webmail anmelden."
        }
        CheckCode::SourceAppPasswordNeeded => {
            "Der alte Anbieter verlangt ein App-Passwort. Legen Sie dort eines an und schreiben Sie es hierher."
        }
        CheckCode::SourceOauthNeeded => {
            "Der alte Anbieter lässt Passwörter nicht mehr zu. Legen Sie dort, wenn es das gibt, ein App-Passwort an, oder fragen Sie uns."
        }
        CheckCode::SourceImapDisabled => {
            "Für dieses Postfach ist IMAP beim alten Anbieter abgeschaltet. Schalten Sie es dort in den Einstellungen ein."
        }
        CheckCode::SourceLoginBlocked => {
            "Der alte Anbieter hat die Anmeldung gesperrt. Melden Sie sich dort im Webmail an und bestätigen Sie, dass Sie es sind."
        }
        CheckCode::SourceMailboxUnreachable => {
            "Das alte Postfach lässt sich gerade nicht öffnen. Versuchen Sie es später noch einmal."
        }
        CheckCode::SourceTooManyConnections => {
            "Der alte Server lässt gerade keine weitere Verbindung zu. Schließen Sie andere E-Mail-Programme, und versuchen Sie es später."
        }
        CheckCode::SourceBusy => "Der alte Server ist überlastet. Versuchen Sie es später noch einmal.",
        CheckCode::SourceFoldersUnreadable => {
            "Die Ordner des alten Postfachs lassen sich nicht lesen. Fragen Sie den alten Anbieter."
        }
        CheckCode::DestinationMissing => "Das neue Postfach gibt es noch nicht. Legen Sie es zuerst an.",
        CheckCode::DestinationWrongPassword => {
            "Das Passwort des neuen Postfachs stimmt nicht. Schreiben Sie das richtige."
        }
        CheckCode::DestinationTooSmall => "Das neue Postfach ist zu klein. Lassen Sie es vergrößern.",
        CheckCode::DestinationUnreachable => {
            "Der neue Server ist gerade nicht zu erreichen. Versuchen Sie es später, oder fragen Sie uns."
        }
        CheckCode::NotChecked => "Die Prüfung war nicht möglich. Versuchen Sie es später, oder fragen Sie uns.",
    };
    match &fault.suggestion {
        Some(suggestion) => format!("{words} Ein Server, der antwortet, ist {suggestion}."),
        None => words.to_owned(),
    }
}

/// Why something failed, by its code; none where there are no words for it.
pub(super) fn failure(code: &str) -> Option<String> {
    let whole = match code {
        "destination_over_quota" => Some("Das neue Postfach ist voll. Lassen Sie es vergrößern."),
        "destination_refuses" => Some("Der neue Server nimmt zu viele Nachrichten nicht an. Ein Mensch sieht nach."),
        "gave_up" => Some("Es ging nach mehreren Versuchen nicht. Ein Mensch sieht nach."),
        "cut_off" => Some("Die Arbeit wurde mehrmals unterbrochen. Ein Mensch sieht nach."),
        "source_not_listed" => Some("Der alte Anbieter hat einen Ordner nicht ganz aufgelistet."),
        "not_certified" => {
            Some("Das Postfach wurde kopiert, aber was der neue Anbieter davon hat, ließ sich nicht vergleichen.")
        }
        "frame_full" => Some(
            "Im gewünschten Zeitraum ist kein Platz mehr. Wählen Sie einen anderen, oder machen Sie trotzdem weiter: was darin nicht kopiert wird, folgt in der nächsten Nacht.",
        ),
        "frame_too_short" => Some(
            "Der gewünschte Zeitraum ist für Ihre Postfächer zu kurz. Wählen Sie einen längeren, oder machen Sie trotzdem weiter: was darin nicht kopiert wird, folgt in der nächsten Nacht.",
        ),
        "none_copied" => Some("Keines der Postfächer ließ sich kopieren; bei jedem steht, warum."),
        "forgotten" => Some("Niemand hat den Auftrag rechtzeitig fortgesetzt."),
        "internal" => Some("Bei uns ist etwas schiefgegangen. Ein Mensch sieht nach."),
        _ => import(code),
    };
    if let Some(words) = whole {
        return Some(words.to_owned());
    }
    let (side, kind) = match code.split_once('_') {
        Some(("source", kind)) => ("Beim bisherigen Anbieter: ", kind),
        Some(("destination", kind)) => ("Beim neuen Anbieter: ", kind),
        _ => ("", code),
    };
    let words = match kind {
        "unknown_host" => "Diesen Server gibt es nicht. Prüfen Sie seinen Namen.",
        "forbidden_address" => "Dieser Server liegt in einem Netz, mit dem wir uns nicht verbinden.",
        "unreachable" => "Der Server ist nicht zu erreichen. Prüfen Sie Namen und Port.",
        "tls_failed" => "Die verschlüsselte Verbindung kam nicht zustande. Prüfen Sie Name, Port und Verschlüsselung.",
        "no_starttls" => "Der Server bietet auf diesem Port keine Verschlüsselung an. Versuchen Sie Port 993.",
        "plaintext_refused" => "Ohne Verschlüsselung verbinden wir uns nicht. Wählen Sie TLS.",
        "login_refused" => "Der Server hat Benutzername oder Passwort abgelehnt.",
        "busy" => "Der Server nimmt gerade keine weitere Anmeldung an.",
        "over_quota" => "Das Postfach ist voll.",
        "not_looked_at_in_time" => "Die Zeit, für die wir Passwörter aufbewahren, war vorher um.",
        "connection_lost" => "Die Verbindung ist abgebrochen.",
        "timed_out" => "Der Server hat zu lange nicht geantwortet.",
        "command_refused" => "Der Server hat etwas abgelehnt.",
        "unreadable_answer" => "Der Server hat unverständlich geantwortet.",
        _ => return None,
    };
    Some(format!("{side}{words}"))
}

/// Why contacts or calendars could not be imported.
fn import(code: &str) -> Option<&'static str> {
    Some(match code {
        "dav_not_set_up" => "Kontakte und Kalender sind bei uns nicht richtig eingerichtet. Ein Mensch sieht nach.",
        "dav_unreachable" => "Der Server für Kontakte und Kalender ist nicht zu erreichen.",
        "dav_login_refused" => {
            "Der Server für Kontakte und Kalender hat die Anmeldung abgelehnt. Prüfen Sie das Passwort des neuen Postfachs."
        }
        "dav_busy" => "Der Server für Kontakte und Kalender ist überlastet.",
        "dav_full" => "Für Kontakte und Kalender ist kein Platz mehr. Lassen Sie ihn vergrößern.",
        "dav_no_home" => {
            "Für dieses Postfach gibt es weder Adressbuch noch Kalender. Fragen Sie uns, ob sie eingeschaltet sind."
        }
        "dav_refused" => "Der Server für Kontakte und Kalender hat etwas abgelehnt.",
        "dav_unreadable" => "Der Server für Kontakte und Kalender hat unverständlich geantwortet.",
        "upload_expired" => "Die Datei ist nicht angekommen.",
        "upload_gone" => "Die Datei wird nicht mehr aufbewahrt.",
        "file_too_large" => "Die Datei ist größer als 100 MiB. Teilen Sie sie auf.",
        "file_not_readable" => {
            "Die Datei ist beschädigt, hat ein Passwort, ist zu groß oder enthält weder Kontakte noch Kalender."
        }
        "nothing_found" => "In der Datei ist weder ein Kontakt noch ein Termin.",
        "mailbox_gone" => "Das Postfach gehört nicht mehr zum Auftrag.",
        "request_ended" => "Der Auftrag war schon beendet, und mit ihm waren die Passwörter vernichtet.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_side_it_was_on() {
        assert_eq!(
            failure("source_login_refused").as_deref(),
            Some("Beim bisherigen Anbieter: Der Server hat Benutzername oder Passwort abgelehnt.")
        );
        assert_eq!(
            failure("destination_over_quota").as_deref(),
            Some("Das neue Postfach ist voll. Lassen Sie es vergrößern.")
        );
        assert_eq!(failure("source_something_new"), None);
    }
}

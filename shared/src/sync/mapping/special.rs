//! What folders are for: as their server says, else by the names that mail programs and servers give
//! them.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::domain::pattern::folded;
use crate::imap::folder::{ListedFolder, SpecialUse};

/// The names, a line a language or two. No `bin` for trash: that is as likely a folder of somebody's
/// programs, and what is in a trash may be deleted by its server one day. No names of outboxes.
const SENT: &str = "
    sent, sent items, sent messages, sent mail, sent-mail, sent objects
    gesendet, gesendete elemente, gesendete objekte, gesendete nachrichten, gesendete mails
    envoyés, éléments envoyés, messages envoyés, courrier envoyé, objets envoyés
    inviata, inviati, posta inviata, messaggi inviati, elementi inviati
    enviados, elementos enviados, mensajes enviados, correo enviado, enviats
    enviadas, itens enviados, mensagens enviadas, e-mails enviados, correio enviado
    verzonden, verzonden items, verzonden berichten, verzonden objecten
    wysłane, elementy wysłane, wysłane wiadomości
    skickat, skickade, skickade objekt, skickade meddelanden
    sendt, sendt post, sendte elementer, sendte mails, sendte e-mails, sendt e-post, sendte meldinger
    lähetetyt, lähetetyt kohteet, lähetetyt viestit
    odeslané, odeslaná pošta, odeslané položky, odoslané, odoslaná pošta
    elküldött, elküldött elemek, trimise, elemente trimise, gönderilmiş öğeler, gönderilenler
    отправленные, надіслані, απεσταλμένα
    送信済み, 送信済みアイテム, 送信済みメール, 已发送, 已发送邮件, 寄件備份, 보낸 편지함, 보낸편지함";
const DRAFTS: &str = "
    drafts, draft, entwürfe, entwurf, brouillons, brouillon, bozze, borradores, borrador, esborranys
    rascunhos, rascunho, concepten, kopie robocze, wersje robocze, szkice, utkast, kladder, kladd
    luonnokset, koncepty, rozepsané, piszkozatok, schițe, ciorne, taslaklar
    черновики, чернетки, πρόχειρα, 下書き, 草稿, 草稿箱, 임시 보관함, 임시보관함";
const TRASH: &str = "
    trash, deleted items, deleted messages, deleted, deleted objects
    papierkorb, gelöscht, gelöschte elemente, gelöschte objekte, gelöschte nachrichten
    corbeille, éléments supprimés, messages supprimés
    cestino, posta eliminata, elementi eliminati
    papelera, elementos eliminados, mensajes eliminados, correo eliminado, paperera
    lixo, lixeira, itens eliminados, itens excluídos
    prullenbak, prullenmand, verwijderde items, verwijderde objecten
    kosz, elementy usunięte, usunięte
    papperskorg, papperskorgen, borttaget, borttagna objekt
    papirkurv, papirkurven, slettet post, slettede elementer, slettede meldinger
    roskakori, poistetut, poistetut kohteet, poistetut viestit
    koš, odstraněná pošta, odstraněné položky, kôš, odstránená pošta
    kuka, lomtár, törölt elemek, coș de gunoi, elemente șterse, çöp kutusu, silinmiş öğeler
    корзина, удаленные, удалённые, кошик, κάδος απορριμμάτων, διαγραμμένα
    ゴミ箱, 削除済みアイテム, 已删除, 已删除邮件, 垃圾桶, 刪除的郵件, 휴지통, 지운 편지함";
const JUNK: &str = "
    junk, spam, junk e-mail, junk email, junk mail, bulk mail, bulk
    spamverdacht, junk-e-mail, unerwünscht, unerwünschte werbung
    indésirables, courrier indésirable, pourriel
    posta indesiderata, indesiderata
    correo no deseado, correo basura, no deseado, correu brossa
    lixo eletrônico, lixo electrónico, lixo eletrónico, e-mail de lixo
    ongewenste e-mail, ongewenste post, ongewenst
    wiadomości-śmieci, wiadomości śmieci, niechciane
    skräppost, uønsket mail, uønsket e-mail, uønsket post, søppelpost, søppel-e-post, uønsket e-post
    roskaposti, roskasähköposti
    nevyžádaná pošta, nevyžiadaná pošta
    levélszemét, mesaje nedorite, gereksiz, önemsiz e-posta
    спам, нежелательная почта, небажана пошта, ανεπιθύμητα, ανεπιθύμητη αλληλογραφία
    迷惑メール, 垃圾邮件, 垃圾郵件, 스팸 편지함, 스팸메일함, 정크 메일";
const ARCHIVE: &str = "
    archive, archives, archiv, archivio, archivo, archivos, arxiu, arquivo, arquivo morto, archief
    archiwum, arkiv, arkisto, archív, archívum, arhivă, arşiv
    архив, архів, αρχείο, アーカイブ, 归档, 封存, 보관함";

/// All names without regard to case.
static KNOWN: LazyLock<HashMap<String, SpecialUse>> = LazyLock::new(|| {
    let uses = [
        (SpecialUse::Sent, SENT),
        (SpecialUse::Drafts, DRAFTS),
        (SpecialUse::Trash, TRASH),
        (SpecialUse::Junk, JUNK),
        (SpecialUse::Archive, ARCHIVE),
    ];
    let names = uses.into_iter().flat_map(|(special_use, names)| {
        let names = names.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty());
        names.map(move |name| (folded(name).collect(), special_use))
    });
    names.collect()
});

/// All uses.
pub(super) const ALL: [SpecialUse; 5] = [
    SpecialUse::Sent,
    SpecialUse::Drafts,
    SpecialUse::Trash,
    SpecialUse::Junk,
    SpecialUse::Archive,
];

/// Where the special folders of Gmail stand, which it names in each language, but by attribute.
const BELOW: [&str; 3] = ["inbox", "[gmail]", "[google mail]"];

/// A folder's use by its name alone. Only folders at the top, or right below `INBOX` or Gmail's
/// own, are known by their names.
pub(super) fn by_name(path: &[String]) -> Option<SpecialUse> {
    let name = match path {
        [name] => name,
        [above, name] if BELOW.contains(&above.to_lowercase().as_str()) => name,
        _ => return None,
    };
    KNOWN.get(&folded(name.trim()).collect::<String>()).copied()
}

/// Whether mail that its user wants no more goes there.
pub(in crate::sync) fn is_bin(folder: &ListedFolder) -> bool {
    let special_use = folder.special_use.or_else(|| by_name(&folder.path));
    matches!(special_use, Some(SpecialUse::Trash | SpecialUse::Junk))
}

/// The destination's folder for a use: as the server says, else by its name.
pub(super) fn home_of(special_use: SpecialUse, destination: &[ListedFolder]) -> Option<&ListedFolder> {
    let mut there = destination.iter().filter(|folder| folder.selectable);
    let said = there.clone().find(|folder| folder.special_use == Some(special_use));
    said.or_else(|| there.find(|folder| folder.special_use.is_none() && by_name(&folder.path) == Some(special_use)))
}

/// The one source folder that goes to the destination's for a use. The server's word counts most;
/// among folders known by their names the one that is called as the destination's, then the one
/// nearest to the top.
pub(super) fn chosen_for<'a>(
    special_use: SpecialUse,
    home: &ListedFolder,
    source: &[&'a ListedFolder],
) -> Option<&'a ListedFolder> {
    let said = source.iter().find(|folder| folder.special_use == Some(special_use));
    let named = source
        .iter()
        .filter(|folder| folder.special_use.is_none() && by_name(&folder.path) == Some(special_use))
        .min_by_key(|folder| {
            let same = folded(&folder.path.join("/")).eq(folded(&home.path.join("/")));
            (!same, folder.path.len(), &folder.path)
        });
    said.or(named).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &[&str]) -> Option<SpecialUse> {
        by_name(&path.iter().map(|&part| part.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn folders_are_known_in_many_languages_and_any_case() {
        for (name, special_use) in [
            ("Gesendete Elemente", SpecialUse::Sent),
            ("ÉLÉMENTS ENVOYÉS", SpecialUse::Sent),
            ("Elementy wysłane", SpecialUse::Sent),
            ("Lähetetyt", SpecialUse::Sent),
            ("Itens Excluídos", SpecialUse::Trash),
            ("Papirkurv", SpecialUse::Trash),
            ("Koš", SpecialUse::Trash),
            ("Rascunhos", SpecialUse::Drafts),
            ("Wersje robocze", SpecialUse::Drafts),
            ("Ongewenste e-mail", SpecialUse::Junk),
            ("Skräppost", SpecialUse::Junk),
            ("Archief", SpecialUse::Archive),
        ] {
            assert_eq!(found(&[name]), Some(special_use), "{name}");
        }
        assert_eq!(found(&["INBOX", "Sent"]), Some(SpecialUse::Sent));
        assert_eq!(found(&["[Gmail]", "Papelera"]), Some(SpecialUse::Trash));
        assert_eq!(found(&["Kunden", "Sent"]), None);
        assert_eq!(found(&["bin"]), None);
    }

    #[test]
    fn no_name_is_known_twice() {
        let names = [SENT, DRAFTS, TRASH, JUNK, ARCHIVE].join("\n");
        let names = names.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty());
        assert_eq!(names.count(), KNOWN.len());
    }
}

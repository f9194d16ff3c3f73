// The names that columns have in people's files: those of shared/src/intake/synonyms.rs, which has a test that compares both.
// All are written as `folded` leaves them.

/** The columns, in the order of the template, with the other names they are known by. */
export const NAMES = {
  email: `
    mail emailaddress mailaddress address mailbox sourceemail sourceaddress sourcemailbox oldemail
    emailadresse mailadresse adresse postfach mailkonto quelladresse altemail altemailadresse
    courriel adressecourriel adresseelectronique adresseemail adressemail boiteauxlettres boitemail messagerie
    indirizzo indirizzoemail indirizzomail casella caselladiposta postaelettronica
    correo correoelectronico direcciondecorreo direccioncorreo direccion buzon cuentadecorreo
  `,
  password: `
    pass passwd pwd pw secret sourcepassword oldpassword emailpassword mailpassword imappassword passphrase
    passwort kennwort emailpasswort mailpasswort altespasswort quellpasswort passwortalt
    motdepasse mdp ancienmotdepasse motdepassesource codesecret
    parolachiave passworddorigine vecchiapassword passwordvecchia
    contrasena clave contrasenaorigen contrasenaantigua claveorigen
  `,
  source_host: `
    host hostname server imap imapserver imaphost sourceserver sourceimapserver oldserver mailserver incomingserver
    imapservername servername quellserver altserver alterserver altermailserver posteingangsserver eingangsserver
    serveur serveurimap serveursource ancienserveur serveurentrant hote serveurdemessagerie serveurmail
    serverimap serverdorigine vecchioserver serverposta serverdiposta serverinentrata
    servidor servidorimap servidororigen servidorantiguo servidordecorreo servidordeentrada anfitrion
  `,
  port: `
    imapport sourceport serverport portnumber portnummer quellport portimap portsource porta portaimap numerodiporta
    puerto puertoimap puertoorigen numerodeport numeroport
  `,
  security: `
    ssl tls ssltls tlsssl encryption connectionsecurity secure protocol sslrequired usessl
    verschlusselung verschluesselung sicherheit verbindungssicherheit
    securite chiffrement cryptage sicurezza crittografia cifratura seguridad cifrado
  `,
  source_user: `
    user username login loginname userid sourceusername sourcelogin imapuser imapusername imaplogin account
    benutzer benutzername anmeldename nutzername quellbenutzer konto kontoname kennung
    utilisateur nomdutilisateur identifiant compte nomutilisateur
    utente nomeutente accountdorigine usuario nombredeusuario usuarioorigen cuenta
  `,
  destination_email: `
    destination destinationaddress destinationmailbox target targetemail targetaddress targetmailbox newemail newaddress
    newmailbox toemail ziel zieladresse zielemail zielpostfach neueemail neueadresse neueemailadresse neuespostfach
    nouvelleadresse nouveaucourriel adressededestination emaildestination boitededestination
    destinazione indirizzodestinazione nuovoindirizzo nuovaemail emaildestinazione casellanuova
    destino correodestino nuevocorreo nuevadireccion buzondestino
  `,
  destination_password: `
    newpassword targetpassword topassword destinationpass neuespasswort neueskennwort zielpasswort passwortneu
    nouveaumotdepasse motdepassedestination nuovapassword passworddestinazione passwordnuova
    nuevacontrasena contrasenadestino contrasenanueva nuevaclave
  `,
};

/** What exports have and a move does not need. */
export const BESIDE_THE_POINT = `
  name firstname lastname surname fullname displayname comment comments note notes remark remarks quota size department
  vorname nachname anzeigename kommentar bemerkung bemerkungen notiz notizen abteilung grosse speicherplatz
  nom prenom nomcomplet commentaire remarque remarques service taille
  nome cognome nomecompleto commento osservazioni reparto dimensione
  nombre apellido apellidos nombrecompleto comentario comentarios nota notas observaciones departamento tamano no nr number
`;

#!/bin/sh
# Downloads @FILES@ of JWST (@BYTES@) from @ARCHIVE@ with curl.
#
# Needs a POSIX shell (sh, dash, bash 3.2 or newer, zsh's sh) and curl. Run it again after a failure: what is here with
# the right size stays, what was begun goes on where it stopped if the archive says that it is the same file.
# Exclusive files need a token in the environment variable MAST_API_TOKEN; it goes to @ARCHIVE@ only,
# never along a redirect to another host, and never onto a command line.
#
# Exit status: 0 every file is here, 1 some are not, 2 it could not begin, 130 or 143 it was stopped.
@ELSEWHERE@
set -u
LC_ALL=C
export LC_ALL
unset CDPATH

archive='@ARCHIVE@'
token_for='@TOKEN_FOR@'
protocols='@PROTOCOLS@'
files=@COUNT@
exclusive=@EXCLUSIVE@
dir=.
jobs=4
tries=5
pause=1
stall=60
tab=$(printf '\t')

usage() {
    cat <<'END_OF_USAGE'
usage: sh SCRIPT [--dir FOLDER] [--jobs N] [--tries N] [--wait SECONDS] [--stall SECONDS]

  --dir FOLDER      where the folders and files go; default: the folder it is run in
  --jobs N          files at a time, 1 to 8; default: 4
  --tries N         tries in a row that bring nothing, after which a file is given up; default: 5
  --wait SECONDS    before the second try; doubles with each; default: 1
  --stall SECONDS   without a byte, after which a try has failed; default: 60
END_OF_USAGE
}

fail() {
    printf '%s\n' "$1" >&2
    exit 2
}

number_of() {
    case $2 in
        '' | *[!0-9]* | ???????*) fail "$1 '$2' is not a number; see --help" ;;
    esac
}

while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --dir | --jobs | --tries | --wait | --stall) [ $# -ge 2 ] || fail "$1 needs a value; see --help" ;;
        *) fail "'$1' is unknown; see --help" ;;
    esac
    case $1 in
        --dir) dir=$2 ;;
        --jobs) number_of "$1" "$2"; jobs=$2 ;;
        --tries) number_of "$1" "$2"; tries=$2 ;;
        --wait) number_of "$1" "$2"; pause=$2 ;;
        --stall) number_of "$1" "$2"; stall=$2 ;;
    esac
    shift 2
done
[ "$jobs" -ge 1 ] && [ "$jobs" -le 8 ] || fail "--jobs $jobs is not a number from 1 to 8"
[ "$tries" -ge 1 ] || fail "--tries $tries is not a number above 0"
case $dir in
    '') fail "--dir '' is no folder" ;;
    /* | . | ./*) ;;
    *) dir=./$dir ;;
esac
command -v curl > /dev/null 2>&1 || fail "curl is not here; install it, or ask for another kind of script"

# The token leaves the environment, so that no other program inherits it.
token=${MAST_API_TOKEN:-}
unset MAST_API_TOKEN
case $token in
    *[!!-~]* | *[\"\\]*) fail "MAST_API_TOKEN holds what no token holds; copy it again from the archive's page" ;;
esac
if [ -n "$token" ]; then
    # Older ones send a header of ours along to other hosts (curl's CVE-2018-1000007).
    curl --version | awk 'NR == 1 { split($2, v, "."); exit !(v[1] > 7 || (v[1] == 7 && v[2] >= 58)) }' ||
        fail "this curl is older than 7.58 and would give a token away; use a newer one, or unset MAST_API_TOKEN"
fi

mkdir -p "$dir" || fail "$dir cannot be made; choose another --dir"
work=$(mktemp -d "${TMPDIR:-/tmp}/jwst-download.XXXXXX") || fail "no temporary folder can be made; check TMPDIR"
trap 'rm -rf "$work"' EXIT

# Number, access, end of the exclusive access, bytes, address, dataURI and path of each file, a tab between them.
cat > "$work/list" <<'@END@'
@LIST@@END@

bytes() {
    if [ -f "$1" ]; then echo $(($(wc -c < "$1"))); else echo 0; fi
}

# Header $1 of the last answer in the file $2: redirects come before it.
header() {
    [ -f "$2" ] || return 0
    awk -v name="$1" '
        { sub(/\r$/, "") }
        /^HTTP\// { value = "" }
        { at = index($0, ":") }
        at && tolower(substr($0, 1, at - 1)) == name { value = substr($0, at + 1); sub(/^[ \t]+/, "", value) }
        END { print value }' "$2"
}

# What proves that the archive's file is still the one whose beginning is here (RFC 9110, section 13.1.5).
validator() {
    etag=$(header etag "$part.head")
    case $etag in
        \"*) printf '%s' "$etag" ;;
        '') [ "$size" = - ] || header last-modified "$part.head" ;;
    esac
}

# Waits for a program in the background, so that a signal ends it at once.
attend() {
    child=$!
    wait "$child"
}

# Asks once for a file: sets code (curl's exit status), http and kind, and resumed.
ask() {
    [ ! -h "$part" ] || rm -f "$part"
    have=$(bytes "$part")
    known=
    if [ "$have" -gt 0 ] && { [ "$size" = - ] || [ "$have" -lt "$size" ]; }; then known=$(validator); fi
    # -q: a ~/.curlrc could have the token sent elsewhere.
    set -- -q --globoff --fail --silent --show-error --location --max-redirs 5 \
        --proto "$protocols" --proto-redir "$protocols" --connect-timeout 30 --speed-limit 1 --speed-time "$stall" \
        --write-out '%{http_code} %{content_type}' --output "$part" --url "$url"
    resumed=no
    if [ -n "$known" ]; then
        resumed=yes
        set -- "$@" --continue-at - --header "If-Range: $known" --dump-header "$part.again"
    else
        rm -f "$part" "$part.json" "$part.again"
        set -- "$@" --dump-header "$part.head"
    fi
    if [ "$with_token" = yes ]; then
        printf 'header = "Authorization: token %s"\n' "$token" | curl "$@" --config - > "$work/out.$lane" 2> "$work/err.$lane" &
    else
        curl "$@" < /dev/null > "$work/out.$lane" 2> "$work/err.$lane" &
    fi
    attend
    code=$?
    http=
    kind=
    read -r http kind < "$work/out.$lane" || :
}

# Seconds until the next try: what the archive asks for, else twice as long each time.
rest() {
    seconds=
    case $http in
        429 | 503)
            from=$part.head
            [ "$resumed" = no ] || from=$part.again
            seconds=$(header retry-after "$from") ;;
    esac
    case $seconds in
        '' | *[!0-9]* | ??????*)
            seconds=$pause
            step=1
            while [ "$step" -lt "$failures" ] && [ "$seconds" -lt 60 ]; do
                seconds=$((seconds * 2))
                step=$((step + 1))
            done
            [ "$seconds" -le 60 ] || seconds=60 ;;
    esac
    [ "$seconds" -le 600 ] || seconds=600
    sleep "$seconds" &
    attend || :
}

# Says what is wrong with a file that has come; nothing when it is right.
wrong_with() {
    have=$(bytes "$part")
    case $kind:$path in
        text/html*:*.[Hh][Tt][Mm]*) ;;
        text/html*) echo 'the archive sent a web page in its place; try later'; return ;;
    esac
    if [ "$size" != - ] && [ "$have" -ne "$size" ]; then
        echo "$have bytes came where the catalogue says $size; search again, it may have been made anew"
        return
    fi
    case $path in
        *.fits)
            if [ "$(dd if="$part" bs=9 count=1 2> /dev/null)" != 'SIMPLE  =' ] || [ $((have % 2880)) -ne 0 ]; then
                echo 'what came is no whole FITS file; try later'
            fi ;;
    esac
}

# Gives a file that has come its name, or says why not. 0: it is over, well or badly; 1: try again.
finish() {
    problem=$(wrong_with)
    if [ -z "$problem" ]; then
        if mv -f "$part" "$target"; then status=COMPLETE message=; else message='it cannot get its name'; fi
        rm -f "$part.head" "$part.again"
        return 0
    fi
    rm -f "$part" "$part.head" "$part.again"
    message=$problem
    broken=$((broken + 1))
    [ "$broken" -ge 2 ]
}

# Judges a try that failed. 0: it is over; 1: try again.
judge() {
    if [ "$resumed" = yes ] && { [ "$code" -eq 33 ] || [ "$http" = 416 ]; }; then
        rm -f "$part" "$part.head" "$part.again"
        return 1
    fi
    case $code:$http in
        22:401 | 22:403)
            if [ "$with_token" = no ] && [ -n "$token" ] && [ "$to_archive" = yes ]; then
                with_token=yes
                return 1
            fi
            message="the archive does not give it to $user (HTTP $http); set MAST_API_TOKEN to the token of who may have it"
            return 0 ;;
        22:404 | 22:410) message="the archive has no such file (HTTP $http); search again"; return 0 ;;
        22:408 | 22:425 | 22:429 | 22:5??) message="the archive has trouble (HTTP $http); try later" ;;
        22:*) message="the archive refuses it (HTTP $http)"; return 0 ;;
        23:*) message='it cannot be written; is the disk full?'; return 0 ;;
        1:* | 3:* | 47:* | 60:*) message=$(tr -d '\000-\037' < "$work/err.$lane"); return 0 ;;
        *) message="$(tr -d '\000-\037' < "$work/err.$lane"); run the script again to go on" ;;
    esac
    now=$(bytes "$part")
    if [ "$now" -gt "$most" ]; then
        most=$now
        failures=0
    fi
    failures=$((failures + 1))
    all=$((all + 1))
    [ "$failures" -lt "$tries" ] && [ "$all" -lt 100 ] || return 0
    rest
    return 1
}

# Brings one file: sets status and message.
bring() {
    target=$dir/$path
    part=$target.part
    status=ERROR
    if [ -d "$target" ]; then message='a folder has its name; move it away'; return; fi
    if [ -f "$target" ] && { [ "$size" = - ] || [ "$(bytes "$target")" -eq "$size" ]; }; then
        status=SKIPPED message='already here'
        return
    fi
    to_archive=no
    case $url in "$token_for"/*) to_archive=yes ;; esac
    with_token=no
    if [ "$access" = EXCLUSIVE ]; then
        if [ -z "$token" ]; then
            message="exclusive${until:+ until $until}; set MAST_API_TOKEN to the token of who may have it"
            return
        fi
        with_token=$to_archive
    fi
    if ! mkdir -p "${target%/*}" 2> /dev/null; then message='its folder cannot be made'; return; fi
    failures=0 all=0 broken=0 most=$(bytes "$part")
    while :; do
        ask
        if [ "$code" -ne 0 ] || { [ "$resumed" = yes ] && [ "$http" != 206 ]; }; then
            [ "$code" -ne 0 ] || code=33
            if judge; then return; fi
        elif finish; then
            return
        fi
    done
}

# Brings every file whose turn is $1.
lane() {
    lane=$1
    child=
    trap 'trap - TERM; [ -z "$child" ] || kill "$child" 2> /dev/null; exit 143' TERM
    # Some shells read byte by byte: no lane reads the lines of others.
    awk -F "$tab" -v jobs="$jobs" -v lane="$lane" '$1 % jobs == lane' "$work/list" > "$work/list.$lane"
    while IFS=$tab read -r number access until size url uri path; do
        [ "$until" != - ] || until=
        bring
        if [ "$status" = ERROR ]; then
            # What no later run could use does not stay.
            rm -f "$dir/$path.part.again"
            [ -s "$dir/$path.part" ] || rm -f "$dir/$path.part" "$dir/$path.part.head"
        fi
        printf '%s\t%s\t%s\n' "$number" "$status" "$message" >> "$work/done.$lane"
        printf '[%s/%s] %s  %s%s\n' "$number" "$files" "$path" "$status" "${message:+: $message}"
    done < "$work/list.$lane"
}

# Writes MANIFEST.html, says how it ended, and ends with the exit status $1, or by the number of failures.
conclude() {
    cat "$work"/done.* > "$work/results" 2> /dev/null || : > "$work/results"
    {
        cat <<END_OF_HEAD
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>MAST Download Manifest</title></head>
<body>
<h2>Manifest of $files files from $archive, $(date -u +%Y-%m-%dT%H:%M:%SZ)</h2>
<table border="1">
<tr><th>URI</th><th>File</th><th>Access</th><th>Status</th><th>Message</th><th>Logged In User</th></tr>
END_OF_HEAD
        awk -F "$tab" -v user="$user" '
            function html(text) {
                gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); gsub(/>/, "\\&gt;", text)
                gsub(/"/, "\\&quot;", text); gsub(/\047/, "\\&#x27;", text)
                return text
            }
            FILENAME == ARGV[1] { status[$1] = $2; message[$1] = $3; next }
            {
                said = $1 in status ? status[$1] : "CANCELLED"
                print "<tr><td>" html($6) "</td><td>" html($7) "</td><td>" $2 "</td><td>" said "</td><td>" \
                    html(message[$1]) "</td><td>" html(user) "</td></tr>"
            }' "$work/results" "$work/list"
        printf '</table>\n</body>\n</html>\n'
    } > "$work/page" && cp "$work/page" "$dir/MANIFEST.html" || printf 'MANIFEST.html cannot be written\n' >&2
    awk -F "$tab" -v files="$files" -v dir="$dir" '
        FILENAME == ARGV[1] { status[$1] = $2; message[$1] = $3; count[$2]++; ended++; next }
        status[$1] == "ERROR" { print $7 ": " message[$1] > "/dev/stderr" }
        END {
            printf "%d downloaded, %d already here, %d failed%s, of %d files, in %s; see MANIFEST.html\n", \
                count["COMPLETE"], count["SKIPPED"], count["ERROR"], \
                ended < files ? ", " files - ended " not tried" : "", files, dir
            exit count["COMPLETE"] + count["SKIPPED"] < files
        }' "$work/results" "$work/list"
    ended=$?
    [ "$1" -eq 0 ] || ended=$1
    exit "$ended"
}

user=anonymous
if [ -n "$token" ] && [ "$exclusive" -gt 0 ] && [ -n "$token_for" ]; then
    user=$(printf 'header = "Authorization: token %s"\n' "$token" |
        curl -q --silent --max-time 30 --proto "$protocols" --config - --url "$token_for/whoami" |
        sed -n 's/.*"ezid": *"\([^"]*\)".*/\1/p' | tr -cd 'A-Za-z0-9._@-')
    user=${user:-unknown}
fi

lanes=
stop() {
    trap '' INT TERM HUP
    # shellcheck disable=SC2086
    kill $lanes 2> /dev/null
    wait
    conclude "$1"
}
trap 'stop 130' INT
trap 'stop 143' TERM HUP
turn=0
while [ "$turn" -lt "$jobs" ]; do
    lane "$turn" &
    lanes="$lanes $!"
    turn=$((turn + 1))
done
for each in $lanes; do wait "$each"; done
conclude 0

# bash completion for helm-oci and the executables behind it: source <(helm-oci completion bash)

_helm_oci() {
    local line words current out candidate directive prefix
    # bash takes `:` and `=` for ends of words, and references and flags are full of them: the line is split anew.
    line=${COMP_LINE:0:COMP_POINT}
    read -ra words <<<"$line"
    [[ $line != *[[:space:]] ]] || words+=("")
    current=${words[${#words[@]} - 1]}
    out=$(helm-oci __complete "${words[0]##*/}" "${words[@]:1}" 2>/dev/null) || return 0
    directive=${out##*$'\n'}
    # What bash replaces begins behind the last of those characters.
    prefix=
    if [[ $COMP_WORDBREAKS == *:* ]]; then
        prefix=${current%"${current##*[:=]}"}
    fi
    COMPREPLY=()
    while IFS= read -r candidate; do
        [[ $candidate != :[0-9]* ]] || continue
        candidate=${candidate%%$'\t'*}
        COMPREPLY+=("${candidate#"$prefix"}")
    done <<<"$out"
    case $directive in
    :0) compopt -o default 2>/dev/null ;;
    :16) compopt -o dirnames 2>/dev/null ;;
    esac
    return 0
}

complete -F _helm_oci @PROGRAMS@

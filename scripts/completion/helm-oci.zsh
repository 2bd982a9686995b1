#compdef @PROGRAMS@
# zsh completion for helm-oci and the executables behind it: source <(helm-oci completion zsh), or as _helm-oci in $fpath

_helm_oci() {
    local -a lines found
    local line
    lines=("${(@f)$(helm-oci __complete "${words[1]:t}" "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    for line in "${lines[@]}"; do
        case $line in
        :0) _files ;;
        :16) _files -/ ;;
        :*|'') ;;
        *$'\t'*) found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
        *) found+=("${line//:/\\:}") ;;
        esac
    done
    (( $#found )) && _describe helm-oci found
}

compdef _helm_oci @PROGRAMS@

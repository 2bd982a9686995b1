# fish completion for helm-oci and the executables behind it: helm-oci completion fish | source

function __helm_oci
    set -l words (commandline -opc) (commandline -ct)
    for line in (helm-oci __complete (basename $words[1]) $words[2..] 2>/dev/null)
        switch $line
            case :0
                __fish_complete_path (commandline -ct)
            case :16
                __fish_complete_directories (commandline -ct)
            case ':*'
            case '*'
                echo $line
        end
    end
end

for program in @PROGRAMS@
    complete -c $program -f -a '(__helm_oci)'
end

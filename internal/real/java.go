package real

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// findJava returns the java command of a JDK of at least the given major version. It looks, in this order, at
// JAVA<major>_HOME, the JAVA_HOME_<major>_* variables of hosted build machines, JAVA_HOME, PATH, and the usual folders.
func findJava(ctx context.Context, major int) (string, error) {
	var seen []string
	for _, path := range javaCandidates(major) {
		found, err := javaMajor(ctx, path)
		if err != nil {
			continue
		}
		if found >= major {
			return path, nil
		}
		seen = append(seen, fmt.Sprintf("%s is %d", path, found))
	}
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("look for a JDK: %w", err)
	}
	slices.Sort(seen)
	found := "no java was found"
	if len(seen) > 0 {
		found = strings.Join(slices.Compact(seen), ", ")
	}
	return "", fmt.Errorf("a JDK of version %d or newer is needed (%s): install one, for instance Temurin %d, "+
		"and set JAVA%d_HOME to its folder if it is in an unusual place", major, found, major, major)
}

func javaCandidates(major int) []string {
	homes := []string{os.Getenv(fmt.Sprintf("JAVA%d_HOME", major))}
	for _, arch := range []string{"X64", "ARM64"} {
		homes = append(homes, os.Getenv(fmt.Sprintf("JAVA_HOME_%d_%s", major, arch)))
	}
	homes = append(homes, os.Getenv("JAVA_HOME"))

	var candidates []string
	for _, home := range homes {
		if home != "" {
			candidates = append(candidates, filepath.Join(home, "bin", "java"))
		}
	}
	if path, err := exec.LookPath("java"); err == nil {
		candidates = append(candidates, path)
	}
	return append(candidates, installedJavas(major)...)
}

func installedJavas(major int) []string {
	name := fmt.Sprintf("*%d*", major)
	patterns := []string{
		filepath.Join("/usr/lib/jvm", name, "bin", "java"),
		filepath.Join("/opt", name, "bin", "java"),
		filepath.Join("/Library/Java/JavaVirtualMachines", name, "Contents", "Home", "bin", "java"),
	}
	if home, err := os.UserHomeDir(); err == nil {
		patterns = append(patterns, filepath.Join(home, ".sdkman", "candidates", "java", name, "bin", "java"))
	}
	var found []string
	for _, pattern := range patterns {
		matches, _ := filepath.Glob(pattern) // It fails only for a malformed pattern.
		found = append(found, matches...)
	}
	return found
}

var javaVersion = regexp.MustCompile(`version "(?:1\.)?(\d+)`)

func javaMajor(ctx context.Context, path string) (int, error) {
	out, err := exec.CommandContext(ctx, path, "-version").CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("run %s -version: %w", path, err)
	}
	return parseJavaMajor(string(out))
}

func parseJavaMajor(out string) (int, error) {
	match := javaVersion.FindStringSubmatch(out)
	if match == nil {
		return 0, errors.New("no version in the output of java -version")
	}
	return strconv.Atoi(match[1])
}

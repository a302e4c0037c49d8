package objectstorage

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// folderStore keeps objects as files.
type folderStore struct{ *api.FolderStorage }

func (s folderStore) check() []spec.Problem {
	switch {
	case !filepath.IsAbs(s.Path):
		return []spec.Problem{{Path: "/path", Message: "must be absolute, such as /var/lib/headgate/archive: the daemon has no working directory of its own"}}
	case filepath.Clean(s.Path) != s.Path:
		return []spec.Problem{{Path: "/path", Message: "must be written without . and .., without double slashes and without a slash at its end"}}
	}
	return nil
}

func (folderStore) warnings(string) []api.Warning { return nil }

func (s folderStore) test(ctx context.Context, r *probe.Recorder) {
	r.Attribute = "/spec/folder/path"
	var (
		detail string
		looked error
	)
	if r.Step(ctx, api.StepAuthorization, s.Path, func(context.Context) (string, error) {
		detail, looked = look(s.Path)
		if errors.Is(looked, fs.ErrPermission) {
			return "", probe.Fail("the daemon's user may not list the folder", "Give the user that the daemon runs as the right to read and enter it, and every folder above it.", nil)
		}
		return "", nil
	}) != nil {
		return
	}
	_ = r.Step(ctx, api.StepProtocol, s.Path, func(context.Context) (string, error) { return detail, s.explain(looked) })
}

func (s folderStore) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return probe.Fail("there is no folder "+s.Path+" on the daemon's machine", "Check the path, mount it there, or make it.", nil)
	case errors.Is(err, errNoFolder):
		return probe.Fail(s.Path+" is not a folder", "Name a folder.", nil)
	}
	return probe.Fail("the folder "+s.Path+" cannot be listed", "Look at the file system on the daemon's machine.", err)
}

var errNoFolder = errors.New("not a folder")

// look lists at most one entry of a folder.
func look(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", errNoFolder
	}
	dir, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = dir.Close() }()
	switch _, err := dir.ReadDir(1); {
	case errors.Is(err, io.EOF):
		return "the folder is there and empty", nil
	case err != nil:
		return "", err
	}
	return "the folder is there and holds something", nil
}
